"""Dual encoders of transformers (CLIP, SigLIP) as zero-shot classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import ModelSpec
from hardiness.models.catalogue import BuilderResult
from hardiness.models.failures import first_line, foreign_errors
from hardiness.models.hub import respect_offline
from hardiness.models.options import RANDOM
from hardiness.models.processors import load_processor, view_of
from hardiness.models.transformers_parts import checked, load_network, read_config, transformers_package
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

    def spec(self, name: str, options: Mapping[str, str], build: str) -> ModelSpec:
        """The spec of a dual encoder on the hub or in a folder.

        Raises:
            ModelError: its configuration cannot be had, or it is of another family.
            ArgumentError: its preprocessing cannot be followed, or weights are given.
        """
        where = f"{self.prefix}:{name}"
        if options.get("weights") not in (None, RANDOM):
            raise ArgumentError(f"weights= is not for {self.prefix}: models, whose folder holds them; leave it out")
        config = self._config(name, where)
        try:
            processor = load_processor(name, trusted=False, local=respect_offline())
        except Exception as error:
            raise ArgumentError(
                f"the preprocessor_config.json of {where} cannot be read: {first_line(error)}"
            ) from error
        return ModelSpec(
            name=where,
            build=build,
            view=view_of(processor, where),
            input_px=config.vision_config.image_size,
            options=recorded(options.get("protocol", DEFAULT_PROTOCOL)),
            summary=f"transformers {config.model_type} {name}, zero-shot",
        )

    def build(self, spec: ModelSpec) -> BuilderResult:
        """The image tower with the classes' sentences as its head.

        Raises:
            ModelError: the weights or the tokeniser cannot be had.
        """
        name, random = spec.name.removeprefix(f"{self.prefix}:"), spec.weights == RANDOM
        config = self._config(name, spec.name)
        model: Any = load_network(transformers_package().AutoModel, name, config, spec).eval()
        context = self.context or int(config.text_config.max_position_embeddings)
        text = None if random else self._text(model, _tokeniser(name, spec.name), context)
        scale, bias = float(model.logit_scale.detach().exp()), getattr(model, "logit_bias", None)
        tower = ImageTower(
            _image_module(model), _image_embedding, _width(model), scale, 0.0 if bias is None else float(bias.detach())
        )
        facts = (("context", context), ("lower_case", self.lower), ("logit_scale", scale), ("logit_bias", tower.bias))
        network = classifier_of(tower, text, dict(spec.options))
        return BuilderResult(network, spec=replace(spec, options=(*spec.options, *facts)), notes=checked(name, spec))

    def _text(self, model: Any, tokenise: Any, context: int) -> TextTower:
        def tokens(sentences: Sequence[str]) -> Any:
            texts = [sentence.lower() for sentence in sentences] if self.lower else list(sentences)
            return tokenise(texts, padding="max_length", max_length=context, truncation=True, return_tensors="pt")

        def embed(encoded: Any) -> Tensor:
            # SigLIP was trained without a mask, on padded sentences.
            mask = encoded.get("attention_mask") if self.context is None else None
            pooled = model.text_model(input_ids=encoded["input_ids"], attention_mask=mask).pooler_output
            projection = getattr(model, "text_projection", None)
            embedding: Tensor = pooled if projection is None else projection(pooled)
            return embedding

        probe = tokens(["a photo of a Great White Shark, (nature)."])["input_ids"].tolist()
        return TextTower(model, tokens, embed, f"{type(tokenise).__qualname__}, {context}, {self.lower}, {probe}")

    def _config(self, name: str, where: str) -> Any:
        config = read_config(name, where)
        if config.model_type not in self.types:
            folder = "the folder" if Path(name).is_dir() else "it"
            raise ModelError(
                f"{where} must be of type {' or '.join(self.types)}, and {folder} holds a {config.model_type}; "
                "classifiers are named hf:"
            )
        return config


def _image_module(model: Any) -> nn.Module:
    """A module of the image tower and its projection alone; the text tower is left behind."""
    from torch import nn

    class ImageEmbedder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vision_model = model.vision_model
            self.visual_projection = getattr(model, "visual_projection", None) or nn.Identity()

        def forward(self, images: Tensor) -> Tensor:
            projected: Tensor = self.visual_projection(self.vision_model(pixel_values=images).pooler_output)
            return projected

    return ImageEmbedder().eval()


def _image_embedding(network: nn.Module, images: Tensor) -> Tensor:
    embeddings: Tensor = network(images)
    return embeddings


def _width(model: Any) -> int:
    projection = getattr(model, "visual_projection", None)
    return int(projection.out_features if projection is not None else model.config.vision_config.hidden_size)


def _tokeniser(name: str, where: str) -> Any:
    with foreign_errors(where, "has no tokeniser that can be loaded"):
        return transformers_package().AutoTokenizer.from_pretrained(
            name, trust_remote_code=False, local_files_only=respect_offline()
        )
