"""The two towers of a CLIP or SigLIP of transformers, as parts of a zero-shot classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core import ArgumentError, ModelError, ModelSpec
from hardiness.models.catalogue import Built
from hardiness.models.failures import first_line, told
from hardiness.models.hub import respect_offline
from hardiness.models.options import RANDOM
from hardiness.models.processors import load_processor, view_of
from hardiness.models.transformers_loading import checked, load_network, read_config, transformers_package
from hardiness.models.zero_shot import DEFAULT_PROTOCOL, ImageTower, TextTower, classifier_of, recorded

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class EncoderFamily:
    """A family of dual encoders.

    Attributes:
        prefix: before the model's name, e.g. ``"hf-clip"``.
        types: the ``model_type`` of configurations that are of it.
        context: tokens to which every sentence is padded; ``None`` for what the text tower's configuration says.
        lower: whether sentences are put in lower case first.
    """

    prefix: str
    types: tuple[str, ...]
    context: int | None = None
    lower: bool = False


def spec_of(kind: EncoderFamily, name: str, options: Mapping[str, str], build: str) -> ModelSpec:
    """The spec of a dual encoder on the hub or in a folder.

    Raises:
        ModelError: its configuration cannot be had, or it is of another family.
        ArgumentError: its preprocessing cannot be followed, or weights are given.
    """
    where = f"{kind.prefix}:{name}"
    if options.get("weights") not in (None, RANDOM):
        raise ArgumentError(f"weights= is not for {kind.prefix}: models, whose folder holds them; leave it out")
    config = _config(kind, name, where)
    try:
        processor = load_processor(name, trusted=False, local=respect_offline())
    except Exception as error:
        raise ArgumentError(f"the preprocessor_config.json of {where} cannot be read: {first_line(error)}") from error
    return ModelSpec(
        name=where,
        build=build,
        view=view_of(processor, where),
        input_px=config.vision_config.image_size,
        options=recorded(options.get("protocol", DEFAULT_PROTOCOL)),
        summary=f"transformers {config.model_type} {name}, zero-shot",
    )


def build_with(kind: EncoderFamily, spec: ModelSpec) -> Built:
    """The image tower with the classes' sentences as its head.

    Raises:
        ModelError: the weights or the tokeniser cannot be had.
    """
    name, random = spec.name.removeprefix(f"{kind.prefix}:"), spec.weights == RANDOM
    config = _config(kind, name, spec.name)
    model: Any = load_network(transformers_package().AutoModel, name, config, spec).eval()
    context = kind.context or int(config.text_config.max_position_embeddings)
    text = None if random else _text(kind, model, _tokeniser(name, spec.name), context)
    scale, bias = float(model.logit_scale.detach().exp()), getattr(model, "logit_bias", None)
    tower = ImageTower(
        _Images.of(model), _image_embedding, _width(model), scale, 0.0 if bias is None else float(bias.detach())
    )
    facts = (("context", context), ("lower_case", kind.lower), ("logit_scale", scale), ("logit_bias", tower.bias))
    made = classifier_of(tower, text, dict(spec.options))
    return Built(made, spec=replace(spec, options=(*spec.options, *facts)), notes=checked(name, spec))


class _Images:
    """Makes a module of the image tower and its projection alone; the text tower is left behind."""

    @staticmethod
    def of(model: Any) -> nn.Module:
        from torch import nn

        class Images(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.vision_model = model.vision_model
                self.visual_projection = getattr(model, "visual_projection", None) or nn.Identity()

            def forward(self, images: Tensor) -> Tensor:
                projected: Tensor = self.visual_projection(self.vision_model(pixel_values=images).pooler_output)
                return projected

        return Images().eval()


def _image_embedding(network: nn.Module, images: Tensor) -> Tensor:
    found: Tensor = network(images)
    return found


def _width(model: Any) -> int:
    projection = getattr(model, "visual_projection", None)
    return int(projection.out_features if projection is not None else model.config.vision_config.hidden_size)


def _text(kind: EncoderFamily, model: Any, tokenise: Any, context: int) -> TextTower:
    def tokens(sentences: Sequence[str]) -> Any:
        given = [each.lower() for each in sentences] if kind.lower else list(sentences)
        return tokenise(given, padding="max_length", max_length=context, truncation=True, return_tensors="pt")

    def embed(found: Any) -> Tensor:
        # SigLIP was trained without a mask, on padded sentences.
        mask = found.get("attention_mask") if kind.context is None else None
        pooled = model.text_model(input_ids=found["input_ids"], attention_mask=mask).pooler_output
        projection = getattr(model, "text_projection", None)
        embedding: Tensor = pooled if projection is None else projection(pooled)
        return embedding

    probe = tokens(["a photo of a Great White Shark, (nature)."])["input_ids"].tolist()
    return TextTower(model, tokens, embed, f"{type(tokenise).__qualname__}, {context}, {kind.lower}, {probe}")


def _tokeniser(name: str, where: str) -> Any:
    with told(where, "has no tokeniser that can be loaded"):
        return transformers_package().AutoTokenizer.from_pretrained(
            name, trust_remote_code=False, local_files_only=respect_offline()
        )


def _config(kind: EncoderFamily, name: str, where: str) -> Any:
    config = read_config(name, where)
    if config.model_type not in kind.types:
        folder = "the folder" if Path(name).is_dir() else "it"
        raise ModelError(
            f"{where} must be of type {' or '.join(kind.types)}, and {folder} holds a {config.model_type}; "
            "classifiers are named hf:"
        )
    return config
