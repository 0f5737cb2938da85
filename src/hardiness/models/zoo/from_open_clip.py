"""``openclip:ARCH/PRETRAINED``: a zero-shot model of open_clip, its classes given by their names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec, View
from hardiness.models.catalogue import BuilderResult, Scheme, schemes
from hardiness.models.failures import foreign_errors
from hardiness.models.hub import need_hub, need_url
from hardiness.models.options import RANDOM
from hardiness.models.zero_shot import DEFAULT_PROTOCOL, OPTIONS, ImageTower, TextTower, classifier_of, recorded
from hardiness.sources.hub_cache import check_hub_files

_TEXT_PADDING = "whole context"


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of an architecture of open_clip and a tag of its weights, or a checkpoint file of one's own.

    Raises:
        UnknownNameError: open_clip has no such architecture or tag.
        ArgumentError: the activation of the tag is not the architecture's, or its preprocessing is no view.
        ModelError: open_clip is not installed.
    """
    package = _package()
    architecture, _, tag = name.partition("/")
    config = package.get_model_config(architecture)
    if config is None:
        raise UnknownNameError("openclip architecture", architecture, package.list_models())
    random = options.get("weights") == RANDOM
    if "weights" in options and not random:
        raise ArgumentError(f"a checkpoint of openclip: stands behind the slash: openclip:{architecture}/FILE")
    tags = package.list_pretrained_tags_by_model(architecture)
    if not random and tag not in tags and not Path(tag).is_file():
        raise UnknownNameError(f"weights of openclip:{architecture}", tag, tags)
    published = package.get_pretrained_cfg(architecture, tag) if tag in tags else {}
    _refuse_other_activation(architecture, tag, config, published)
    preprocessing = _preprocessing(config, published)
    return ModelSpec(
        name=f"openclip:{name}",
        build=f"{__name__}:build",
        view=_view(preprocessing, f"openclip:{name}"),
        input_px=preprocessing["size"],
        options=recorded(options.get("protocol", DEFAULT_PROTOCOL)),
        summary=f"open_clip {architecture}, weights {tag or RANDOM}, zero-shot",
    )


def build(spec: ModelSpec) -> BuilderResult:
    """The image tower with the classes' sentences as its head.

    Raises:
        ModelError: the weights cannot be had or read, or bring other preprocessing than open_clip's list says.
        DataError: they are not in the cache, and the network is not there.
    """
    package, random = _package(), spec.weights == RANDOM
    architecture, _, tag = spec.name.removeprefix("openclip:").partition("/")
    published = package.get_pretrained_cfg(architecture, tag)
    if not random and published:
        _need(published, spec.name)
    for repository in () if random else _repositories(package.get_model_config(architecture), published):
        check_hub_files(repository, spec.name)
    with foreign_errors(spec.name, "cannot be loaded"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = package.create_model(architecture, None if random else tag, require_pretrained=not random)
        tokenise = None if random else package.get_tokenizer(architecture)
    expected = _preprocessing(package.get_model_config(architecture), {} if random else published)
    actual = {key: model.visual.preprocess_cfg[key] for key in expected}
    if _plain(actual) != _plain(expected):
        raise ModelError(
            f"{spec.name} is to be preprocessed by {_plain(actual)}, and open_clip lists {_plain(expected)}"
        )
    scale, bias = float(model.logit_scale.detach().exp()), getattr(model, "logit_bias", None)
    network = model.visual.eval()
    width = (
        int(model.text_projection.shape[-1]) if getattr(model, "text_projection", None) is not None else _width(model)
    )
    tower = ImageTower(network, _embedded, width, scale, float(bias.detach()) if bias is not None else 0.0)
    text = None if tokenise is None else _text(model, tokenise)
    context = getattr(model, "context_length", None) or model.text.context_length
    facts = (("context", int(context)), ("logit_scale", scale), ("logit_bias", tower.bias))
    classifier = classifier_of(tower, text, dict(spec.options))
    repositories = () if random else _repositories(package.get_model_config(architecture), published)
    notes = [fact for repository in repositories for fact in check_hub_files(repository, spec.name)]
    if not random and not published:
        notes += _activation_of_a_file(package, architecture, tag)
    return BuilderResult(classifier, spec=replace(spec, options=(*spec.options, *facts)), notes=tuple(notes))


def _embedded(network: Any, images: Any) -> Any:
    outputs = network(images)
    return outputs[0] if isinstance(outputs, tuple) else outputs


def _width(model: Any) -> int:
    import torch

    side = model.visual.preprocess_cfg["size"]
    side = side if isinstance(side, int) else side[0]
    with torch.no_grad():
        return int(_embedded(model.visual.eval(), torch.zeros(1, 3, side, side)).shape[1])


def _text(model: Any, tokenise: Any) -> TextTower:
    model = model.eval()
    name = f"{type(tokenise).__module__}.{type(tokenise).__qualname__}, {_TEXT_PADDING}, {tokenise.context_length}"
    probe = tokenise(["a photo of a Great White Shark, (nature)."]).tolist()
    return TextTower(model, tokenise, model.encode_text, f"{name}, {probe}")


def _preprocessing(config: Mapping[str, Any], published: Mapping[str, Any]) -> dict[str, Any]:
    """The preprocessing of a tag: open_clip's defaults, then the tag's own, then the tower's size.

    Source: open_clip's ``create_model``.
    """
    from dataclasses import asdict

    from open_clip.transform import PreprocessCfg, merge_preprocess_dict

    settings = dict(merge_preprocess_dict(asdict(PreprocessCfg()), dict(published)))
    size = config["vision_cfg"].get("image_size", settings["size"])
    settings["size"] = size if isinstance(size, int) else size[0] if size[0] == size[1] else tuple(size)
    return {key: settings[key] for key in ("size", "mean", "std", "interpolation", "resize_mode")}


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {key: tuple(value) if isinstance(value, list | tuple) else value for key, value in settings.items()}
    size = sizes["size"]
    return {**sizes, "size": size[0] if isinstance(size, tuple) and len(set(size)) == 1 else size}


def _view(settings: Mapping[str, Any], where: str) -> View:
    """The view of a preprocessing.

    Source: open_clip's ``image_transform``: ``shortest`` resizes and crops, ``squash`` stretches both sides.
    """
    modes = {"shortest": "center", "squash": "squash"}
    if not isinstance(settings["size"], int) or settings["resize_mode"] not in modes:
        raise ArgumentError(
            f"{where} takes {settings['size']} px, resized {settings['resize_mode']}, which is no view of ours"
        )
    return View(
        resize_px=settings["size"],
        crop_px=settings["size"],
        interpolation=settings["interpolation"],
        crop_mode=modes[settings["resize_mode"]],  # type: ignore[arg-type]  # checked above
        mean=tuple(settings["mean"]),
        std=tuple(settings["std"]),
    )


def _refuse_other_activation(
    architecture: str, tag: str, config: Mapping[str, Any], published: Mapping[str, Any]
) -> None:
    """Raise `ArgumentError` for weights that were trained under QuickGELU in a network without it, or otherwise."""
    if not published:
        return
    is_quick, has_quick = bool(published.get("quick_gelu", False)), bool(config.get("quick_gelu", False))
    if is_quick != has_quick:
        other = f"{architecture}-quickgelu" if is_quick else architecture.removesuffix("-quickgelu")
        trained, has_it = ("with", "lacks") if is_quick else ("without", "has")
        raise ArgumentError(
            f"openclip:{architecture}/{tag} was trained {trained} QuickGELU, which {architecture} {has_it}; "
            f"write openclip:{other}/{tag}"
        )


def _activation_of_a_file(package: Any, architecture: str, file: str) -> list[Fact]:
    """A note where a file's weights go into a network with GELU that open_clip has with QuickGELU, too.

    The two have tensors of the same names and shapes, so a file does not say for which of them it was trained.
    """
    quick = f"{architecture}-quickgelu"
    if package.get_model_config(architecture).get("quick_gelu", False) or quick not in package.list_models():
        return []
    return [Fact(ModelNote.UNCLEAR_ACTIVATION, {"architecture": architecture, "file": file, "other": quick})]


def _need(published: Mapping[str, Any], where: str) -> None:
    if published.get("hf_hub"):
        repository, _, file = published["hf_hub"].rpartition("/")
        files = (file,) if file else ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
        need_hub(repository, files, where)
    elif published.get("url"):
        need_url(published["url"], where)


def _repositories(config: Mapping[str, Any], published: Mapping[str, Any]) -> list[str]:
    """The repositories of the hub that are used: of weights, tokeniser, the text tower's configuration."""
    text = config.get("text_cfg", {})
    weights = str(published.get("hf_hub") or "").rpartition("/")[0]
    return sorted({name for name in (weights, text.get("hf_tokenizer_name"), text.get("hf_model_name")) if name})


def _package() -> Any:
    try:
        import open_clip
    except ModuleNotFoundError:
        raise ModelError("openclip: models need open_clip; pip install 'hardiness[openclip]'") from None
    return open_clip


def _names() -> list[str]:
    return [f"{architecture}/{tag}" for architecture, tag in _package().list_pretrained()]


schemes.register(
    "openclip",
    Scheme("openclip:ARCH/PRETRAINED", "a zero-shot open_clip model; it knows classes by name", spec, OPTIONS, _names),
    __name__,
)
