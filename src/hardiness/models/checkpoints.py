"""Checkpoints on disk to parameters of a network: safe reading, exact matching, one copy in memory."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core import ModelError, ModelSpec
from hardiness.models.failures import first_line

if TYPE_CHECKING:
    from torch import Tensor, nn

_WRAPPERS = ("state_dict", "model_state_dict", "model_ema", "model")
_PREFIXES = ("module.", "_orig_mod.", "model.")


def read_state(file: str | Path) -> dict[str, Tensor]:
    """Names to tensors of a checkpoint: a torch file (read with ``weights_only``) or a safetensors file.

    A dictionary inside ``state_dict`` (or a usual sibling) is taken out, and a prefix that every name carries
    (``module.`` of DataParallel, ``_orig_mod.`` of torch.compile, ``model.``) is taken off.

    Raises:
        ModelError: there is no such file, it cannot be read safely, or it holds no tensors by name.
    """
    path = Path(file)
    if not path.is_file():
        raise ModelError(f"weights must be a checkpoint file; there is none at {path}")
    found = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for wrapper in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    if not isinstance(found, Mapping) or not found or not _all_tensors(found):
        raise ModelError(f"{path} must hold tensors by name (a state dict), held {_described(found)}")
    state = dict(found)
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is no readable safetensors file: {first_line(error)}") from None


def _read_torch(path: Path) -> Any:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubts about an unusual file are settled by what comes out of it
            # Read, not mapped: a file that is overwritten during the run must not change the network.
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, LookupError) as error:
        raise ModelError(
            f"{path} is no checkpoint that can be read safely (weights only): {first_line(error)}; "
            "save model.state_dict() with torch.save, or fetch the file again if it is truncated"
        ) from None


def _all_tensors(found: Mapping[Any, Any]) -> bool:
    import torch

    return all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items())


def _described(found: Any) -> str:
    if isinstance(found, Mapping):
        return f"a dictionary of {', '.join(map(repr, list(found)[:4]))}" if found else "an empty dictionary"
    return f"a {type(found).__name__}"


def in_order(network: nn.Module, state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The same tensors under the network's own names, entry by entry: for checkpoints whose names differ.

    Raises:
        ModelError: the numbers of entries differ.
    """
    names = list(network.state_dict())
    if len(names) != len(state):
        raise ModelError(f"{where} must hold {len(names)} entries for this network, held {len(state)}")
    return dict(zip(names, state.values(), strict=True))


def assign(network: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Make the tensors the network's own parameters, without a second copy; names and shapes must be exact.

    Raises:
        ModelError: names are missing or unexpected, or shapes differ; the message gives the first ones.
    """
    import torch

    own = network.state_dict()
    # Checkpoints older than torch 0.4.1 lack this counter, which evaluation never reads.
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    missing = [name for name in own if name not in state and name not in counters]
    unexpected = [name for name in state if name not in own]
    shapes = [
        f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name in state
        if state[name].shape != own[name].shape
    ]
    problems = [
        f"{len(found)} {what} ({', '.join(found[:3])}{', …' if len(found) > 3 else ''})"
        for what, found in (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
        if found
    ]
    if problems:
        raise ModelError(f"{where} does not fit the network: {'; '.join(problems)}; is it another model's checkpoint?")
    ready = {
        name: state[name].to(own[name].dtype) if name in state else torch.zeros((), dtype=torch.int64) for name in own
    }
    network.load_state_dict(ready, assign=True)


def refuse_not_finite(network: nn.Module, name: str) -> None:
    """Nothing, for a network whose tensors are finite numbers; buffers other than statistics may hold infinities.

    Raises:
        ModelError: a tensor is not; the message names the first one.
    """
    masks = {key for key, _ in network.named_buffers() if "running_" not in key}
    for key, tensor in network.state_dict().items():
        if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.is_meta:
            continue
        broken = tensor.isnan() if key in masks else ~tensor.isfinite()
        if bool(broken.any()):
            raise ModelError(
                f"{name} has weights that are not finite: {int(broken.sum()):,} of {tensor.numel():,} numbers of "
                f"{key} are NaN or infinite; fetch or save the checkpoint again"
            )


def check_parameters(network: nn.Module, spec: ModelSpec) -> int:
    """The number of learnable parameters, once it is what the spec says.

    Raises:
        ModelError: it is another.
    """
    count = sum(parameter.numel() for parameter in network.parameters())
    if spec.source.parameters is not None and count != spec.source.parameters:
        raise ModelError(f"{spec.name} must have {spec.source.parameters:,} parameters, has {count:,}")
    return count
