"""``timm:NAME``: any classifier of timm, under its own preprocessing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import IMAGENET_CLASSES, ModelSpec, Source
from hardiness.models.activation import OUTPUT_OPTIONS, stated_outputs
from hardiness.models.catalogue import BuilderResult, Scheme, registry, schemes
from hardiness.models.failures import first_line
from hardiness.models.hub import check_torch_file, need_hub, need_url
from hardiness.models.view_files import view_of_timm
from hardiness.sources.hub_cache import check_hub_files

if TYPE_CHECKING:
    from torch import nn


_SIZES = ("train", "test")
_OPTIONS = {
    "size": "input size: 'train' (default), or 'test', the larger one of timm's published numbers, where there is one",
    **OUTPUT_OPTIONS,
}
_FILES = ("model.safetensors", "pytorch_model.bin")


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a timm architecture and tag, e.g. ``"resnet50.a1_in1k"``.

    Raises:
        UnknownNameError: timm has no such model.
        ArgumentError: it is no classifier of square RGB images, or its classes are not ImageNet's 1,000.
    """
    import timm
    from timm.data import resolve_data_config

    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        raise UnknownNameError("timm model", name, timm.list_models(), _meant(name, timm.list_models()))
    tagged = timm.list_pretrained(f"{architecture}*") if "." in name else []
    if "." in name and name not in tagged:
        raise UnknownNameError("timm model", name, tagged or timm.list_models())
    config = timm.models.get_pretrained_cfg(name)
    if config is None or not config.num_classes:
        raise ArgumentError(f"timm:{name} is no classifier (it has no classes); choose a tag that was fine-tuned")
    if config.num_classes != IMAGENET_CLASSES and options.get("class_order") != "own":
        raise ArgumentError(
            f"timm:{name} has {config.num_classes:,} classes, which are not ImageNet's 1,000; choose a tag that was "
            "fine-tuned (…_in1k), or say class_order=own for data with these classes"
        )
    size = options.get("size", "train")
    if size not in _SIZES:
        raise UnknownNameError("size", size, _SIZES)
    data = resolve_data_config(pretrained_cfg=config.to_dict(), use_test_size=size == "test")
    channels, height, width = data["input_size"]
    if channels != 3 or height != width:
        raise ArgumentError(f"timm:{name} takes {channels} x {height} x {width}, and 3 channels, square, are needed")
    return ModelSpec(
        name=f"timm:{name}",
        build=f"{__name__}:build",
        view=view_of_timm(data),
        num_classes=config.num_classes,
        source=Source(url="", licence=config.license or ""),
        input_px=height if config.fixed_input_size else None,
        options=(*((("size", size),) if size != "train" else ()), *stated_outputs(options)),
        summary=f"timm {name}",
    )


def _meant(name: str, known: Sequence[str]) -> str:
    """Names that may be meant by one timm lacks, where a registered model is called so or nearly so; else empty."""
    registered = difflib.get_close_matches(name, registry.names(), n=1, cutoff=0.8)
    of_timm = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    if not registered:
        return ""
    return " or ".join([*map(repr, of_timm), f"the registered model {registered[0]!r} (without timm:)"])


def build(spec: ModelSpec) -> BuilderResult:
    """The network, with timm's own weights unless others are given.

    Raises:
        ModelError: there are no weights, or they cannot be read.
        DataError: they are not in the cache, and the network is not there; or they are not what was published.
    """
    import timm

    name = spec.name.removeprefix("timm:")
    if spec.weights is None:
        need_weights(name, spec.name)
    try:
        network: nn.Module = timm.create_model(name, pretrained=spec.weights is None)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"the weights of {spec.name} cannot be had: {first_line(error)}; "
            "check the network, or give a checkpoint with weights=FILE"
        ) from None
    if spec.weights is None:
        return BuilderResult(network, notes=_checked(name, spec.name))
    return BuilderResult(network, resized=lambda classes: timm.create_model(name, num_classes=classes))


def need_weights(name: str, where: str) -> None:
    """Raise an error where the published weights of a name that timm knows can be had from nowhere.

    Raises:
        DataError: they are neither in a cache nor is there a network, or they are not what was published.
        ModelError: timm has none.
    """
    import timm

    if timm.models.get_pretrained_cfg(name) is None:
        return
    hub, url, file = _source(name)
    if hub:
        need_hub(hub, (file or _FILES[0], *_FILES), where)
    elif url:
        need_url(url, where)
    else:
        raise ModelError(f"timm has no weights for {where}; choose a tag, or give a checkpoint with weights=FILE")


def _checked(name: str, where: str) -> tuple[Fact, ...]:
    """Notes on the check of the weights that timm has loaded."""
    hub, url, _ = _source(name)
    return check_hub_files(hub, where) if hub else check_torch_file(url, where)


def _source(name: str) -> tuple[str, str, str]:
    """Repository on the hub, address, file in the repository; empty where timm names none."""
    import timm

    config = timm.models.get_pretrained_cfg(name)
    hub = config.hf_hub_id or ""
    return hub if "/" in hub or not hub else f"timm/{hub}", config.url or "", config.hf_hub_filename or ""


def _names() -> list[str]:
    import timm

    return [*timm.list_models(), *timm.list_pretrained()]


_SUMMARY = "any timm classifier, under its own preprocessing"
schemes.register("timm", Scheme("timm:NAME", _SUMMARY, spec, _OPTIONS, _names, need_weights), __name__)
