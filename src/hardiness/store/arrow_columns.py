"""Columns of NumPy as pyarrow has them, and back, without pandas."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""NumPy's name of each of Arrow's kinds of floats; an integer has one name in both."""


def digest(array: pa.Array) -> str:
    """16 hexadecimal digits over an array's type and values; the same before writing and after reading."""
    import pyarrow as pa

    width, length = 1, len(array)
    if pa.types.is_fixed_size_list(array.type):
        width, array = array.type.list_size, array.flatten()
    hasher = hashlib.sha256(f"{array.type} {length} {width}\n".encode())
    if pa.types.is_string(array.type):
        _, offsets, values = array.buffers()
        ends = (
            np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1] if offsets else np.zeros(1)
        )
        hasher.update((ends - ends[:1]).astype(np.int64).data)
        hasher.update(memoryview(values)[int(ends[0]) : int(ends[-1])] if values else b"")
    else:
        hasher.update(number_values(array).data)
    return hasher.hexdigest()[:16]


def to_arrow(column: NDArray[Any]) -> pa.Array:
    """A column as pyarrow has it; ``pa.array`` would load pandas where it is installed, which takes half a second."""
    import pyarrow as pa

    flat = np.ascontiguousarray(column).ravel()
    if flat.dtype.kind in "OU":
        texts = [text.encode() for text in flat.tolist()]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        array = pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts)))
    elif flat.dtype == np.bool_:
        array = to_arrow(flat.view(np.uint8)).cast(pa.bool_())
    else:
        array = pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [None, pa.py_buffer(flat)])
    return array if column.ndim == 1 else pa.FixedSizeListArray.from_arrays(array, column.shape[1])


def number_values(array: pa.Array) -> NDArray[Any]:
    """The values of an array of numbers, not copied; ``to_numpy`` would load pandas."""
    import pyarrow as pa

    if pa.types.is_boolean(array.type):
        return number_values(array.cast(pa.uint8())).view(np.bool_)
    if array.null_count or not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return np.ascontiguousarray(array.to_numpy(zero_copy_only=False))  # nothing that was written here
    kind = np.dtype(_FLOATS.get(str(array.type), str(array.type)))  # to_pandas_dtype wants pandas before pyarrow 26
    buffer = array.buffers()[1] if len(array) else b""
    return np.frombuffer(buffer, kind, len(array), array.offset * kind.itemsize) if buffer else np.empty(0, kind)


def join_chunks(column: pa.ChunkedArray) -> pa.Array:
    """A column's chunks as one array; a single one is not copied."""
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)  # to combine one chunk copies it
    joined = column.combine_chunks()
    # Combining no chunks at all gives a chunked array again.
    return pa.array([], column.type) if isinstance(joined, pa.ChunkedArray) else joined


def from_arrow(joined: pa.Array) -> NDArray[Any]:
    """An array of pyarrow as NumPy has it: lists of fixed size in a second axis, texts as objects, each text once."""
    import pyarrow as pa

    if pa.types.is_fixed_size_list(joined.type):
        return number_values(joined.flatten()).reshape(-1, joined.type.list_size)
    if pa.types.is_string(joined.type):
        # Objects, each text once: ImageNet-C has 3.8 million rows of 50,000 samples.
        coded = joined.dictionary_encode()
        texts = np.asarray(coded.dictionary.to_pylist(), dtype=object)
        return np.take(texts, number_values(coded.indices))
    return number_values(joined)


def rank_texts(texts: NDArray[Any] | pa.Array) -> NDArray[np.int32]:
    """The rank of each text among the different ones, sorted; millions of rows are hashed, not sorted."""
    import pyarrow as pa

    coded = (texts if isinstance(texts, pa.Array) else to_arrow(texts)).dictionary_encode()
    different = np.asarray(coded.dictionary.to_pylist(), dtype=object)
    rank = np.empty(len(different), np.int32)
    rank[np.argsort(different)] = np.arange(len(different), dtype=np.int32)
    return np.take(rank, number_values(coded.indices))
