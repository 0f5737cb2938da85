"""Patches from files: any picture, or ImageNet-Patch's pickle of tensors, read without the power to run anything."""

from __future__ import annotations

import gzip
import io
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ArgumentError, SampleError, described
from hardiness.imaging.codecs import decode
from hardiness.sources.files import read_regular
from hardiness.sources.pickles import TORCHS_ADVICE, load_pickle

if TYPE_CHECKING:
    from torch import Tensor


MOST_BYTES = 256 << 20
"""A packed file may have no more bytes than this unpacked; ImageNet-Patch's has 6 MB."""


def read_patch(file: str, number: int) -> Tensor:
    """One patch, float32 ``(3, H, W)`` in [0, 1], without the black border that ImageNet-Patch's have around them.

    Raises:
        ArgumentError: there is no such file or patch, or the file is none of either form.
    """
    path = Path(file)
    if not path.is_file():
        raise ArgumentError(f"file of universal-patch must be a picture or ImageNet-Patch's patches.gz; none at {file}")
    status = path.stat()
    patches = _read_patches(path, status.st_size, status.st_mtime_ns)
    if not 0 <= number < len(patches):
        raise ArgumentError(f"{file} holds {len(patches)} patches, 0 to {len(patches) - 1}; patch was {number}")
    return _trim(patches[number])


@lru_cache(maxsize=2)
def _read_patches(path: Path, *stamp: int) -> Tensor:
    """All patches of a file, read once for each state of it."""
    del stamp
    return _read_pickle(path) if path.suffix == ".gz" else _read_picture(path)


def _read_picture(path: Path) -> Tensor:
    import torch

    try:
        levels = decode(read_regular(path), str(path))
    except (OSError, SampleError) as error:
        raise ArgumentError(f"{path} must be a picture: {described(error)}") from None
    return torch.from_numpy(levels).permute(2, 0, 1)[None].float() / 255


def _read_pickle(path: Path) -> Tensor:
    """Read ``(patches, targets)``, pickled and gzipped, and return the patches ``(N, 3, H, W)``.

    Source: ImageNet-Patch's readme, with patches ``(10, 3, 224, 224)``.
    """
    import torch

    try:
        pair = load_pickle(io.BytesIO(_unzip(path)), _tensor_names())
        patches = pair[0].detach().float().cpu()
    except Exception as error:  # noqa: BLE001  # whatever a damaged pickle makes of it
        raise ArgumentError(
            f"{path} must hold (patches, targets) as tensors: {described(error).partition(TORCHS_ADVICE)[0]}"
        ) from None
    if patches.ndim != 4 or patches.shape[1] != 3 or not bool(((patches >= 0) & (patches <= 1)).all()):
        raise ArgumentError(f"{path} must hold patches (N, 3, H, W) in [0, 1], held {tuple(patches.shape)}")
    return torch.as_tensor(patches)


def _tensor_names() -> dict[tuple[str, str], Any]:
    """The functions that a pickled tensor names."""
    import torch

    return {
        ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
        ("torch.storage", "_load_from_bytes"): lambda content: torch.load(io.BytesIO(content), weights_only=True),
        ("collections", "OrderedDict"): OrderedDict,
    }


def _unzip(path: Path) -> bytes:
    with gzip.open(path) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it unpacks to more than {MOST_BYTES >> 20} MiB")
    return content


def _trim(patch: Tensor) -> Tensor:
    filled = patch.amax(0) > 0
    if not bool(filled.any()):
        return patch
    rows, columns = (filled.any(axis).nonzero()[:, 0] for axis in (1, 0))
    return patch[:, int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1].contiguous()
