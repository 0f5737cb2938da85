"""Configurations and networks of transformers, each read safely."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec
from hardiness.models.failures import first_line, foreign_errors
from hardiness.models.hub import need_hub, respect_offline
from hardiness.sources.hub_cache import check_hub_files

if TYPE_CHECKING:
    from torch import nn


TRUST = "trust_remote_code"
"""Name of the option that lets code beside a model run."""

_LARGEST_NUMBER = 10**7
"""Largest size, width or count in a configuration of a real model."""


def load_network(kind: Any, name: str, config: Any, spec: ModelSpec, trusted: bool = False) -> nn.Module:
    """A network of transformers in fp32: its own weights, or none where the spec's weights are put in later.

    Weights are read as tensors alone, whatever format they lie in.

    Raises:
        ModelError: the weights cannot be had, do not fit, or need more memory than there is.
    """
    with foreign_errors(spec.name, "cannot be loaded"):
        _refuse_giants(kind, config, spec.name, trusted)
        if spec.weights:
            untrained: nn.Module = kind.from_config(config, trust_remote_code=trusted)
            return untrained.float()
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
    loaded: nn.Module = network.float()
    return loaded


def checked(name: str, spec: ModelSpec) -> tuple[Fact, ...]:
    """Notes on the check of the files of a model that has been loaded.

    Raises:
        DataError: a file is not what the hub published.
    """
    return () if spec.weights else check_hub_files(name, spec.name)


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
        untrusted = f"; {TRUST}=true would let that code run" if "trust_remote_code" in str(error) else ""
        reason = "it holds Python code of its own, which is not run" if untrusted else first_line(error)
        raise ModelError(f"{where} must be {what}: {reason}{untrusted}") from error
    if odd:
        raise ModelError(f"{where}: {odd[0]} of its configuration is larger than any model's")
    return config


def _giants(settings: Mapping[str, Any]) -> Any:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _giants(value)
        for number in value if isinstance(value, list | tuple) else (value,):
            if isinstance(number, int) and abs(number) > _LARGEST_NUMBER:
                yield f"{key} = {number:,}"


def _refuse_giants(kind: Any, config: Any, name: str, trusted: bool) -> None:
    """Raise `ModelError` where the weights alone need more memory than this machine has."""
    import torch

    if not hasattr(os, "sysconf"):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with torch.device("meta"):
        shadow = kind.from_config(config, trust_remote_code=trusted)
    size = sum(4 * tensor.numel() for tensor in shadow.state_dict().values())
    if size > memory:
        raise ModelError(f"{name} has {size / 2**30:,.0f} GiB of weights; this machine has {memory / 2**30:,.0f} GiB")
