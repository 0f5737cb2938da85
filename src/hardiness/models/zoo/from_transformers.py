"""``hf:ORG/NAME`` or ``hf:FOLDER``: an image classifier of transformers, its labels mapped to ImageNet's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import IMAGENET_CLASSES, ModelSpec
from hardiness.models.activation import OUTPUT_OPTIONS, stated_outputs
from hardiness.models.catalogue import BuilderResult, Scheme, schemes
from hardiness.models.classes import is_generic, looks_like_imagenet, order_by_name, stated_order
from hardiness.models.processors import stated_view
from hardiness.models.transformers_parts import TRUST, checked, load_network, read_config, transformers_package

_OPTIONS = {
    TRUST: "true lets Python code that lies beside the model run on this machine (default: false)",
    **OUTPUT_OPTIONS,
}


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a model on the hub or in a folder; reads (or downloads) its two small configuration files.

    Raises:
        ModelError: the configuration cannot be had, or it is no image classifier.
        ArgumentError: its preprocessing is stated neither in its files nor by options, or cannot be followed.
    """
    trusted = _trusted(options)
    config = read_config(name, f"hf:{name}", trusted)
    labels = _labels(config, f"hf:{name}")
    order = options.get("class_order")
    imagenet = order in ("wnid", "background+wnid") or (order is None and _is_imagenet(labels, f"hf:{name}"))
    size, view = getattr(config, "image_size", None), stated_view(name, f"hf:{name}", options, trusted)
    return ModelSpec(
        name=f"hf:{name}",
        build=f"{__name__}:build",
        view=view,
        num_classes=IMAGENET_CLASSES if imagenet else len(labels),
        # Where the processor makes another size (a DINOv2 of 518 px is fed 224), the network is asked what it takes.
        input_px=size if size == view.crop_px else None,
        class_names=None if imagenet else tuple(labels),
        options=(*(((TRUST, True),) if trusted else ()), *stated_outputs(options)),
        summary=f"transformers {config.model_type} {name}",
    )


def build(spec: ModelSpec) -> BuilderResult:
    """The network in fp32 and its outputs in wnid order.

    Raises:
        ModelError: the weights cannot be had or do not fit, or labels do not name ImageNet's classes.
    """
    name = spec.name.removeprefix("hf:")
    trusted = dict(spec.options).get(TRUST, False)
    config = read_config(name, spec.name, trusted)
    kind = transformers_package().AutoModelForImageClassification
    network = load_network(kind, name, config, spec, trusted)
    mapped = spec.class_names is None and stated_order(spec) is None
    columns = order_by_name(_labels(config, spec.name), spec.name) if mapped else None
    notes = (Fact(ModelNote.TRUSTED_CODE, {"option": TRUST}),) if trusted else ()

    def resized(classes: int) -> Any:
        config.num_labels = classes
        return load_network(kind, name, config, spec, trusted)

    return BuilderResult(network, columns, notes=(*notes, *checked(name, spec)), resized=resized)


def _trusted(options: Mapping[str, str]) -> bool:
    choice = options.get(TRUST, "false")
    if choice not in ("true", "false"):
        raise ArgumentError(f"{TRUST} must be true or false, was {choice!r}")
    return choice == "true"


def _labels(config: Any, where: str) -> list[str]:
    try:
        return [str(config.id2label[index]) for index in range(config.num_labels)]
    except (KeyError, TypeError, AttributeError):
        raise ModelError(f"{where}: id2label of its configuration must name the outputs 0, 1, 2, …") from None


def _is_imagenet(labels: list[str], where: str) -> bool:
    """Whether labels are ImageNet's.

    Raises:
        ModelError: they look like ImageNet's and leave the order open.
    """
    if len(labels) in (1000, 1001) and is_generic(labels):
        raise ModelError(
            f"{where} has {len(labels)} classes without names ({labels[0]!r}, …), so their order is not known; "
            "state it with class_order=wnid (or background+wnid), or class_order=own for classes of its own"
        )
    if not looks_like_imagenet(labels):
        return False
    order_by_name(labels, where)
    return True


schemes.register(
    "hf",
    Scheme("hf:ORG/NAME", "an image classifier of transformers, from the hub or a folder", spec, _OPTIONS),
    __name__,
)
