"""Checkpoints on disk, read safely: torch files, safetensors and shards."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ModelError
from hardiness.core.fact import Fact
from hardiness.models.failures import FOREIGN_ERRORS, first_line
from hardiness.sources.pickles import TORCHS_ADVICE

if TYPE_CHECKING:
    from torch import Tensor


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
    notes: tuple[Fact, ...] = ()


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


def _take_out(content: Any, entry: str, path: Path) -> tuple[Any, tuple[Fact, ...]]:
    """The state dict inside, wherever it is kept, and a note where there was a choice."""
    if entry:
        if not isinstance(content, Mapping) or not isinstance(content.get(entry), Mapping):
            raise ModelError(f"{path} has no entry {entry!r} with tensors; it is {_described(content)}")
        return content[entry], (_entry_note(path, [entry]),)
    notes: list[Fact] = []
    for _ in range(3):  # wrappers within wrappers: a trainer's state around an EMA's
        inner = [name for name in _ENTRIES if isinstance(content, Mapping) and _is_state(content.get(name))]
        if not inner:
            break
        if len(inner) > 1 or _is_average(inner[0]):
            notes.append(_entry_note(path, inner))
        content = content[inner[0]]
    return content, tuple(notes)


def _is_average(entry: str) -> bool:
    """Whether an entry is named as a moving average of weights is."""
    return "ema" in entry


def _entry_note(path: Path, entries: Sequence[str]) -> Fact:
    """The note that the first of these entries of a file was taken."""
    taken, *others = entries
    arguments = {"file": path.name, "entry": taken, "others": tuple(others), "is_average": _is_average(taken)}
    return Fact(ModelNote.CHECKPOINT_ENTRY, arguments)


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
