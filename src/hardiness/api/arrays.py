"""Arrays, columns and data frames of whichever library, as numpy's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.columns import NO_COLUMNS, Columns, ColumnSource, text_cells
from hardiness.core.errors import ArgumentError
from hardiness.data.columns import HELD, arrays_of_python, columns_by_id, digest_of_arrays

ADVICE = "leave this picture out of all arguments alike, or give what is missing"


def array_of(values: Any, name: str) -> NDArray[Any]:
    """Values as an array of integers, floats, or object of str; none is missing.

    Args:
        values: a list, or an array, tensor, series or column of any library that gives itself to numpy.
        name: of the argument, for messages.

    Raises:
        ArgumentError: a value is missing, is neither number nor text, or rows have different lengths.
    """
    if hasattr(values, "detach"):  # a tensor of torch, which may be on a GPU, and may have gradients
        values = values.detach().cpu()
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{name} must be an array of numbers or names, was {type(values).__name__}: {error}"
        ) from None
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    missing: list[Any] = []
    if array.dtype.kind in "iuf":
        missing = np.argwhere(np.isnan(array)).tolist() if array.dtype.kind == "f" else []
    elif array.dtype.kind in "OUST" and array.ndim == 1:
        is_integer = all(isinstance(value, int | np.integer) for value in array.tolist())
        array = array.astype(np.int64) if is_integer and len(array) else text_cells(array.tolist(), name)
        missing = [] if is_integer else [[place] for place, text in enumerate(array.tolist()) if text is None]
    else:
        raise ArgumentError(f"{name} must be numbers or names, had {array.dtype} of shape {array.shape}")
    if len(missing):
        place = ", ".join(map(str, missing[0]))
        more = f", and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise ArgumentError(f"{name} must have a value everywhere, has none at [{place}]{more}; {ADVICE}")
    return array


def columns_of(values: Any) -> Mapping[str, Any] | None:
    """The columns of a mapping or a data frame by name; ``None`` of anything else."""
    if isinstance(values, Mapping):
        return {str(name): column for name, column in values.items()}
    names = getattr(values, "column_names", None) or getattr(values, "columns", None)  # of pyarrow, and of others
    return None if names is None else {str(name): values[name] for name in names}


def require_length(array: NDArray[Any], count: int, name: str, of: str) -> None:
    """Raise an `ArgumentError` unless an array has as many rows as another one has values."""
    if len(array) != count:
        raise ArgumentError(f"{name} must have a row for each of the {count:,} values of {of}, has {len(array):,}")


def place_names(count: int) -> list[str]:
    """The names of pictures that are called by their places, in order."""
    digits = max(6, len(str(count - 1)))
    return [f"{place:0{digits}d}" for place in range(count)]


def picture_columns_of(groups: Any, count: int) -> Columns:
    """The columns ``groups`` of so many pictures that are called by their places.

    Raises:
        ArgumentError: it is no mapping or data frame of columns with a cell for each picture.
    """
    if groups is None:
        return NO_COLUMNS
    given = columns_of(groups)
    if not given:
        raise ArgumentError(f"groups must be columns by name, as in {{'site': […]}}, was {type(groups).__name__}")
    cells = arrays_of_python(groups)
    columns = {name: column for name, column in cells.items() if name in given}
    for name, column in columns.items():
        require_length(column, count, f"groups[{name!r}]", "the pictures")
    return columns_by_id(place_names(count), columns, ColumnSource(HELD, digest_of_arrays(columns)))
