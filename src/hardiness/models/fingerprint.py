"""The identity of weights: a hash over what a network computes with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


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
