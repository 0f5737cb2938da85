"""Checkpoints on disk, read safely: torch files, safetensors and shards."""

from __future__ import annotations

import json
import math
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ModelError
from hardiness.core.model import ModelSpec, View
from hardiness.models.failures import FOREIGN_ERRORS, first_line
from hardiness.sources.files import shown
from hardiness.sources.pickles import TORCHS_ADVICE, load_pickle

if TYPE_CHECKING:
    from torch import Tensor, nn


_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, ImportError),
    *(ArithmeticError, MemoryError, RecursionError),
)
"""Errors in reading a damaged pickle, among them requests for more memory than there is."""

_PLAIN_STATE = (None, None, None, -1, -1, 0)
"""The rest of a dtype's state, after version and byte order, where it is a plain number."""


class _Type:
    """A plain number's type, as a pickle describes it."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not re.fullmatch(r"[fiu][1248]|b1", code):
            raise pickle.UnpicklingError(f"its numbers are of type {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *rest = state
        if order not in ("<", ">", "=", "|") or tuple(rest) != _PLAIN_STATE:
            raise pickle.UnpicklingError("its numbers are of no plain type")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array, as a pickle describes it."""

    numbers: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        if isinstance(content, str):  # of Python 2
            content = content.encode("latin1")
        if not isinstance(kind, _Type) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array of it has no numbers")
        if math.prod(shape) * kind.dtype.itemsize != len(content) or any(side < 0 for side in shape):
            raise pickle.UnpicklingError(f"an array of it has {len(content)} bytes for the shape {shape}")
        self.numbers = np.frombuffer(content, kind.dtype).reshape(shape, order="F" if fortran else "C").copy()


def _reconstruct(kind: object, *_: object) -> _Array:
    if kind is not _Array:
        raise pickle.UnpicklingError("it holds something else than arrays")
    return _Array()


_ALLOWED: dict[tuple[str, str], Any] = {
    # numpy.core became numpy._core in numpy 2; files from before name the old place.
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
}


def read_arrays(file: Path) -> dict[str, list[NDArray[np.float32]]]:
    """A pickled dictionary of lists of arrays.

    Raises:
        ModelError: the file is damaged, holds something else, or names anything but numpy's arrays: a pickle can run
            code, so nothing else is let in.
    """
    try:
        with file.open("rb") as stream:
            entries = load_pickle(stream, _ALLOWED, encoding="latin1")
        if isinstance(entries, dict) and all(isinstance(value, list) for value in entries.values()):
            return {name: [array.numbers for array in value] for name, value in entries.items()}
    except _DAMAGE as error:
        reason = shown(str(error))
        raise ModelError(f"{file} must be a pickle of numpy arrays and nothing else, but {reason}; refused") from None
    raise ModelError(f"{file} must hold a dictionary of lists of arrays, held {type(entries).__name__}")


_ENTRIES = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "state_dict_ema",
    "ema_state_dict",
    "model_ema",
    "ema",
    "params_ema",
    "teacher",
)
"""Names under which training scripts keep a network; averages of its weights (EMA) come after the weights."""

_INDEX = "*.index.json"


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file.

    Attributes:
        state: names to tensors, as they stand in the file.
        notes: on the choice of one of its entries.
    """

    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def read_state(file: str | Path) -> dict[str, Tensor]:
    """The tensors by name of `read_checkpoint`."""
    return read_checkpoint(file).state


def read_checkpoint(file: str | Path) -> Checkpoint:
    """Names to tensors of a checkpoint: a torch file (read with ``weights_only``), safetensors, or an index of shards.

    A dictionary inside ``state_dict`` or a usual sibling is taken out. ``FILE#ENTRY`` names the entry.

    Raises:
        ModelError: there is no such file, it cannot be read safely, or it holds no tensors by name.
    """
    name, _, entry = str(file).partition("#")
    path, entry = (Path(file), "") if Path(file).exists() else (Path(name), entry)
    if path.is_dir():
        path = _index_in(path)
    if not path.is_file():
        raise ModelError(f"weights must be a checkpoint file; there is none at {path}")
    state, notes = _take_out(_read(path), entry, path)
    if not isinstance(state, Mapping) or not state or not _all_tensors(state):
        raise ModelError(f"{path} must hold tensors by name (a state dict), held {_described(state)}")
    return Checkpoint(dict(state), notes)


def _index_in(folder: Path) -> Path:
    files = [*sorted(folder.glob(_INDEX)), *sorted(folder.glob("*.safetensors"))]
    if len(files) > 1 and not files[0].match(_INDEX):
        raise ModelError(f"{folder} holds several checkpoints ({files[0].name}, {files[1].name}, …); name one")
    if not files:
        raise ModelError(f"weights must be a checkpoint file; the folder {folder} holds no safetensors")
    return files[0]


def _read(path: Path) -> Any:
    if path.match(_INDEX):
        return _read_shards(path)
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)


def _read_shards(index: Path) -> dict[str, Tensor]:
    """The tensors of the shards that an index names.

    Source: Hugging Face's libraries: ``weight_map`` gives for each tensor the file beside the index.
    """
    try:
        files = json.loads(index.read_text())["weight_map"]
        parts = {name: _read(_shard_path(index, name)) for name in sorted(set(files.values()))}
        return {tensor: parts[name][tensor] for tensor, name in files.items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} must map tensors to the shards beside it: {first_line(error)} is wrong") from None


def _shard_path(index: Path, name: str) -> Path:
    if Path(name).name != name or Path(name).match(_INDEX):
        raise ModelError(f"{index} names the shard {name!r}, which must be a file beside it")
    if not (index.parent / name).is_file():
        raise ModelError(f"{index} names the shard {name!r}, and there is none beside it; fetch it too")
    return index.parent / name


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, *FOREIGN_ERRORS) as error:
        raise ModelError(f"{path} is no readable safetensors file: {first_line(error)}") from None


def _read_torch(path: Path) -> Any:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what comes out of an unusual file settles doubts about it
            # Read, not mapped: a file that is overwritten during the run must not change the network.
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, *FOREIGN_ERRORS) as error:
        reason = first_line(error).partition(TORCHS_ADVICE)[0]
        raise ModelError(
            f"{path} is no checkpoint that can be read safely (weights only): {reason}; "
            "save model.state_dict() with torch.save, or fetch the file again if it is truncated"
        ) from None


def _take_out(content: Any, entry: str, path: Path) -> tuple[Any, tuple[str, ...]]:
    """The state dict inside, wherever it is kept, and a note where there was a choice."""
    if entry:
        if not isinstance(content, Mapping) or not isinstance(content.get(entry), Mapping):
            raise ModelError(f"{path} has no entry {entry!r} with tensors; it is {_described(content)}")
        return content[entry], (f"its weights are the entry {entry!r} of {path.name}",)
    notes: list[str] = []
    for _ in range(3):  # wrappers within wrappers: a trainer's state around an EMA's
        inner = [name for name in _ENTRIES if isinstance(content, Mapping) and _is_state(content.get(name))]
        if not inner:
            break
        if len(inner) > 1:
            others = ", ".join(f"#{name}" for name in inner[1:])
            notes.append(f"{path.name} holds several networks: {inner[0]!r} was taken; weights=FILE{others} is another")
        elif "ema" in inner[0]:
            notes.append(f"its weights are a moving average (entry {inner[0]!r} of {path.name})")
        content = content[inner[0]]
    return content, tuple(notes)


def _is_state(content: Any) -> bool:
    import torch

    return isinstance(content, Mapping) and any(isinstance(value, torch.Tensor | Mapping) for value in content.values())


def _all_tensors(content: Mapping[Any, Any]) -> bool:
    import torch

    return all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items())


def _described(content: Any) -> str:
    if isinstance(content, Mapping):
        return f"a dictionary of {', '.join(map(repr, list(content)[:4]))}" if content else "an empty dictionary"
    return f"a {type(content).__name__}"


_MEANS, _STDS = ("mean", "mu"), ("std", "sigma")
_COUNTERS = ("n_averaged", "num_updates", "decay", "step", "initted", "iteration", "epoch")
_PROFILER = ("total_ops", "total_params")  # what thop leaves in every module
_SHOWN = 5


@dataclass(frozen=True)
class Fit:
    """A checkpoint under a network's own names.

    Attributes:
        state: names to tensors; the network's own names where they were recognised.
        notes: on the prefix and the tensors that were left out.
    """

    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def fit(names: Sequence[str], state: Mapping[str, Tensor], view: View, where: str) -> Fit:
    """The tensors whose names are the network's own, once the prefix is taken off that brings all of them in.

    Prefixes are those that occur: ``module.`` of DataParallel, ``_orig_mod.`` of torch.compile, ``model.``,
    ``backbone.``, ``ema_model.``, any other, or several of them. Beside the network may stand a normalisation, which
    must be the view's, and counters of a trainer, which are left out; other tensors are not.

    Raises:
        ModelError: a normalisation is stored beside the network and the view has another.
    """
    needed = [name for name in names if not name.endswith("num_batches_tracked")]
    prefix = _prefix(needed, state)
    if prefix is None:
        return Fit(dict(state))
    inner = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    outer = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
    notes = [f"the prefix {prefix!r} of its checkpoint's names was taken off"] if prefix else []
    rest = {
        **outer,
        **{name: inner.pop(name) for name in list(inner) if name not in set(names) and _may_be_beside(name)},
    }
    notes += _normalisation(rest, view, where)
    copies = {name for name in outer if prefix and _is_copy(name, needed)}
    unexpected = [name for name in rest if not _may_be_beside(name) and name not in copies]
    if copies:
        first = min(copies)
        notes.append(f"{len(copies)} tensors of another copy of the network in the file ({first}, …) were left out")
    return Fit({**inner, **{name: rest[name] for name in unexpected}}, tuple(notes))


def _prefix(needed: Sequence[str], state: Mapping[str, Tensor]) -> str | None:
    """The shortest prefix under which every needed name stands in the checkpoint, or ``None``."""
    if not needed:
        return None
    prefixes = {name[: -len(needed[0])] for name in state if _ends(name, needed[0])}
    whole = [prefix for prefix in prefixes if all(prefix + name in state for name in needed)]
    return min(whole, key=lambda prefix: ("ema" in prefix, len(prefix), prefix), default=None)


def _ends(name: str, tail: str) -> bool:
    return name == tail or name.endswith(f".{tail}")


def _is_copy(name: str, needed: Iterable[str]) -> bool:
    return any(_ends(name, tail) for tail in needed) or name.endswith("num_batches_tracked")


def _may_be_beside(name: str) -> bool:
    """Whether a tensor of that name may stand beside a network, and be no part of it."""
    last = name.rpartition(".")[2]
    return last in _PROFILER or name in _COUNTERS or _role(name) is not None


def _role(name: str) -> str | None:
    """``mean`` or ``std``, for ``mu``, ``normalizer.mean``, ``normalize.std``, ``0.sigma`` and their like."""
    owner, _, last = name.rpartition(".")
    tail = owner.rpartition(".")[2]
    if owner and not (tail.isdecimal() or tail.lower().startswith(("norm", "preproc"))):
        return None
    last = last.removeprefix("_")
    return "mean" if last in _MEANS else "std" if last in _STDS else None


def _normalisation(rest: Mapping[str, Tensor], view: View, where: str) -> list[str]:
    by_role = {_role(name): tensor for name, tensor in rest.items() if _role(name)}
    for role in ("mean", "std"):
        tensor = by_role.get(role)
        if tensor is None:
            continue
        stored, ours = tensor.flatten().double().tolist(), getattr(view, role)
        stored = stored * 3 if len(stored) == 1 else stored
        if len(stored) != 3 or max(abs(a - b) for a, b in zip(stored, ours, strict=True)) > 1e-3:
            text = "/".join(f"{value:.6g}" for value in stored[:3])
            raise ModelError(
                f"{where} brings a normalisation of its own, whose {role} is {text}, and the view has {ours}; "
                f"state {role}={text} behind the model's name"
            )
    return (
        [f"the normalisation in its checkpoint is the view's ({', '.join(filter(None, by_role))})"] if by_role else []
    )


def in_order(network: nn.Module, state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The tensors under the network's own names, entry by entry: for checkpoints whose names differ.

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
        ModelError: names are missing or unexpected, or shapes or kinds of numbers differ; the message gives the first.
    """
    import torch

    own = network.state_dict()
    # Checkpoints older than torch 0.4.1 lack this counter, which evaluation never reads.
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    both = [name for name in own if name in state]
    problems = {
        "missing": [name for name in own if name not in state and name not in counters],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
            for name in both
            if state[name].shape != own[name].shape
        ],
        "of another kind": [f"{name} {odd}" for name in both if (odd := _odd_kind(state[name], own[name]))],
    }
    faults = [_list_some(tensors, what) for what, tensors in problems.items() if tensors]
    if faults:
        raise ModelError(f"{where} does not fit the network: {'; '.join(faults)}; {_advice(own, state)}")
    ready: Any = OrderedDict(
        (name, state[name].to(own[name].dtype) if name in state else torch.zeros((), dtype=torch.int64)) for name in own
    )
    ready._metadata = getattr(own, "_metadata", {})  # the version of each layer's names, which some layers read
    network.load_state_dict(ready, assign=True)


def _odd_kind(tensor: Tensor, own: Tensor) -> str | None:
    """The kind of a tensor that cannot be copied without loss of meaning; ``None`` for one that can."""
    if tensor.is_quantized:
        return "quantised"
    if str(tensor.layout) != "torch.strided":
        return "sparse"
    if tensor.is_complex() != own.is_complex() or tensor.is_floating_point() != own.is_floating_point():
        return f"{tensor.dtype} for {own.dtype}".replace("torch.", "")
    return None


def _list_some(tensors: Sequence[str], what: str) -> str:
    return f"{len(tensors)} {what} ({', '.join(tensors[:_SHOWN])}{', …' if len(tensors) > _SHOWN else ''})"


def _advice(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """Advice on the prefix without which most names would fit, where there is one."""
    tails: dict[str, int] = {}
    for name in state:
        parts = name.split(".")
        for cut in range(1, len(parts)):
            if ".".join(parts[cut:]) in own:
                prefix = ".".join(parts[:cut]) + "."
                tails[prefix] = tails.get(prefix, 0) + 1
    here = sum(name in state for name in own)
    best = max(tails, key=lambda prefix: tails[prefix], default="")
    if best and tails[best] > here:
        return f"without the prefix {best!r} {tails[best]} of {len(own)} names would fit"
    return "is it another model's checkpoint?"


def refuse_not_finite(network: nn.Module, name: str) -> None:
    """Raise an error unless all tensors are finite; buffers other than statistics may hold infinities.

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
