"""``hf:ORG/NAME`` or ``hf:FOLDER``: an image classifier of transformers, its labels mapped to ImageNet's order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core import ArgumentError, DataError, ModelError, ModelSpec, View
from hardiness.models.catalogue import Built, Scheme, schemes
from hardiness.models.class_names import is_generic, looks_like_imagenet, order_by_name
from hardiness.models.class_order import stated_order
from hardiness.models.failures import first_line, told
from hardiness.models.hub import need_hub, respect_offline
from hardiness.models.processors import load_processor, view_of

if TYPE_CHECKING:
    from torch import nn

_BY_HAND = ("resize_px", "crop_px", "mean", "std")
_TRUST = "trust_remote_code"
_OPTIONS = {_TRUST: "true lets Python code that lies beside the model run on this machine (default: false)"}
_LARGEST_NUMBER = 10**7
"""No size, width or count in a configuration of a real model is larger."""


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
    size = getattr(config, "image_size", None)
    fixed = size if isinstance(size, int) else None
    return ModelSpec(
        name=f"hf:{name}",
        build=f"{__name__}:build",
        view=_view(name, options, trusted),
        num_classes=1000 if imagenet else len(labels),
        input_px=fixed,
        class_names=None if imagenet else tuple(labels),
        options=((_TRUST, True),) if trusted else (),
        summary=f"transformers {config.model_type} {name}",
    )


def build(spec: ModelSpec) -> Built:
    """The network in fp32 and its outputs in wnid order.

    Raises:
        ModelError: the weights cannot be had or do not fit, or labels do not name ImageNet's classes.
    """
    name = spec.name.removeprefix("hf:")
    trusted = dict(spec.options).get(_TRUST, False)
    config = read_config(name, spec.name, trusted)
    kind = transformers_package().AutoModelForImageClassification
    network = load_network(kind, name, config, spec, trusted)
    mapped = spec.class_names is None and stated_order(spec) is None
    columns = order_by_name(_labels(config, spec.name), spec.name) if mapped else None
    notes = (f"code beside the model ran on this machine, as {_TRUST}=true allows",) if trusted else ()
    return Built(network, columns, notes=notes)


def load_network(kind: Any, name: str, config: Any, spec: ModelSpec, trusted: bool = False) -> nn.Module:
    """A network of transformers in fp32: its own weights, or none where the spec's weights are put in later.

    Weights are read as tensors alone, whatever format they lie in.

    Raises:
        ModelError: the weights cannot be had, do not fit, or need more memory than there is.
    """
    with told(spec.name, "cannot be loaded"):
        _refuse_giants(kind, config, spec.name, trusted)
        if spec.weights:
            made: nn.Module = kind.from_config(config, trust_remote_code=trusted)
            return made.float()
        network, info = kind.from_pretrained(
            name,
            config=config,
            output_loading_info=True,
            trust_remote_code=trusted,
            local_files_only=respect_offline(),
            weights_only=True,
        )
    missing = sorted(info["missing_keys"])
    if missing:  # transformers would go on with random values in their place
        raise ModelError(f"{spec.name}: the checkpoint lacks {len(missing)} tensors ({', '.join(missing[:3])})")
    if info.get("mismatched_keys"):
        raise ModelError(f"{spec.name}: {len(info['mismatched_keys'])} tensors of the checkpoint have other shapes")
    found: nn.Module = network.float()
    return found


def transformers_package() -> Any:
    """The module ``transformers``.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import transformers
    except ModuleNotFoundError:
        raise ModelError("hf: models need transformers; pip install 'hardiness[hf]'") from None
    return transformers


def read_config(name: str, where: str, trusted: bool = False) -> Any:
    """The configuration of a model on the hub or in a folder; no code of the model's own runs unless it is trusted.

    Raises:
        ModelError: it cannot be had, or holds numbers that no model has.
        DataError: the hub cannot be reached.
    """
    package = transformers_package()
    what = "a model's folder" if Path(name).is_dir() else "a folder with a model, or ORG/NAME on the hub"
    if not Path(name).exists():
        need_hub(name, ("config.json",), where)
    try:
        config = package.AutoConfig.from_pretrained(name, trust_remote_code=trusted, local_files_only=respect_offline())
        odd = list(_giants(config.to_dict()))
    except Exception as error:
        untrusted = f"; {_TRUST}=true would let that code run" if "trust_remote_code" in str(error) else ""
        reason = "it holds Python code of its own, which is not run" if untrusted else first_line(error)
        raise ModelError(f"{where} must be {what}: {reason}{untrusted}") from error
    if odd:
        raise ModelError(f"{where}: {odd[0]} of its configuration is larger than any model's")
    return config


def _giants(found: Mapping[str, Any]) -> Any:
    for key, value in found.items():
        if isinstance(value, Mapping):
            yield from _giants(value)
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, int) and abs(each) > _LARGEST_NUMBER:
                yield f"{key} = {each:,}"


def _refuse_giants(kind: Any, config: Any, name: str, trusted: bool) -> None:
    """Raises `ModelError` where the weights alone need more memory than this machine has."""
    import torch

    if not hasattr(os, "sysconf"):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with torch.device("meta"):
        shadow = kind.from_config(config, trust_remote_code=trusted)
    size = sum(4 * tensor.numel() for tensor in shadow.state_dict().values())
    if size > memory:
        raise ModelError(f"{name} has {size / 2**30:,.0f} GiB of weights; this machine has {memory / 2**30:,.0f} GiB")


def _trusted(options: Mapping[str, str]) -> bool:
    said = options.get(_TRUST, "false")
    if said not in ("true", "false"):
        raise ArgumentError(f"{_TRUST} must be true or false, was {said!r}")
    return said == "true"


def _labels(config: Any, where: str) -> list[str]:
    try:
        return [str(config.id2label[index]) for index in range(config.num_labels)]
    except (KeyError, TypeError, AttributeError):
        raise ModelError(f"{where}: id2label of its configuration must name the outputs 0, 1, 2, …") from None


def _is_imagenet(labels: list[str], where: str) -> bool:
    """Raises `ModelError` where the labels look like ImageNet's and leave the order open."""
    if len(labels) in (1000, 1001) and is_generic(labels):
        raise ModelError(
            f"{where} has {len(labels)} classes without names ({labels[0]!r}, …), so their order is not known; "
            "state it with class_order=wnid (or background+wnid), or class_order=own for classes of its own"
        )
    if not looks_like_imagenet(labels):
        return False
    order_by_name(labels, where)
    return True


def _view(name: str, options: Mapping[str, str], trusted: bool) -> View:
    if all(key in options for key in _BY_HAND):
        return View()
    try:
        processor = load_processor(name, trusted, respect_offline())
    except (OSError, DataError):
        raise ArgumentError(
            f"hf:{name} has no preprocessor_config.json; state its preprocessing with {'=…,'.join(_BY_HAND)}=…"
        ) from None
    except Exception as error:
        raise ArgumentError(
            f"the preprocessor_config.json of hf:{name} cannot be read: {first_line(error)}; "
            f"state its preprocessing with {'=…,'.join(_BY_HAND)}=…"
        ) from error
    return view_of(processor, f"hf:{name}")


schemes.register(
    "hf",
    Scheme("hf:ORG/NAME", "an image classifier of transformers, from the hub or a folder", spec, _OPTIONS),
    __name__,
)
