"""The identity of a model: hashes over its weights, over its code, and over what its outputs mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardiness.reference.classes import wnids

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Identity:
    """The hashes that, beside its spec, tell a model's rows from others.

    Attributes:
        weights_sha256: over the names, types, shapes and bytes of all loaded tensors (ONNX: over its files).
        outputs_sha256: over which output means which class; empty for ImageNet's 1,000 in order.
        code_sha256: over the code of a model that a person wrote, or over the tag given for it; empty
            for libraries'.
    """

    weights_sha256: str
    outputs_sha256: str = ""
    code_sha256: str = ""


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """Hexadecimal sha256 over names, types, shapes and bytes of a state dict, whatever its order in memory."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in state.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        if flat.numel():
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def outputs_sha256(columns: Sequence[int] | None, names: Sequence[str] | None, classes: int) -> str:
    """Hexadecimal sha256 over which output means which class; empty where they are ImageNet's 1,000 in order.

    Args:
        columns: the outputs that are kept, in the order of the classes; ``None`` for all as they come.
        names: the classes' own names, ``None`` for ImageNet's.
        classes: how many there are.
    """
    outputs = list(range(classes) if columns is None else columns)
    if names is None and outputs == list(range(len(wnids()))):
        return ""
    meaning = {"columns": outputs, "names": None if names is None else list(names)}
    return hashlib.sha256(json.dumps(meaning, separators=(",", ":")).encode()).hexdigest()
