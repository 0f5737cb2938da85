"""Rows of named values as a table of pyarrow or of pandas; neither is imported before a table is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.spread import Interval
from hardiness.sources.files import shown

Form = Literal["pyarrow", "pandas"]
"""Kinds of tables: of pyarrow, or of pandas."""

FORMS = ("pyarrow", "pandas")


def table_of(
    rows: Iterable[tuple[Mapping[str, Any], Condition]], form: Form = "pyarrow", integers: Collection[str] = ()
) -> Any:
    """A table of rows, and with it a column for each key of their conditions.

    Args:
        rows: values by column, the same columns in each; and the condition that the row is of, whose keys are columns
            of their own behind the others, empty where a row has none of that name. A key that has the name of another
            column gets ``condition_`` before it.
        form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.
        integers: columns of whole numbers, also where no row has one.

    Raises:
        UnknownNameError: there is no such form.
        ArgumentError: pandas is not installed.
    """
    if form not in FORMS:
        raise UnknownNameError("form of a table", form, FORMS)
    pairs = list(rows)
    columns: dict[str, list[Any]] = {
        name: [values[name] for values, _ in pairs] for name in (pairs[0][0] if pairs else ())
    }
    for key in dict.fromkeys(key for _, condition in pairs for key in condition):
        name = f"condition_{key}" if key in columns else key
        columns[name] = of_one_kind([condition.get(key) for _, condition in pairs])
    return _in_form(columns, form, integers)


def _in_form(columns: Mapping[str, Sequence[Any]], form: Form, integers: Collection[str]) -> Any:
    import pyarrow as pa

    types = dict.fromkeys(integers, pa.int64())
    table = pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})
    if form == "pyarrow":
        return table
    try:
        return table.to_pandas()
    except ModuleNotFoundError:
        raise ArgumentError("a table of pandas needs pandas; pip install pandas, or leave the form out") from None


def of_one_kind(values: list[Any]) -> list[Any]:
    """The values as they are where all are numbers, else as text: a column has one type."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, int) for value in present):
        return values
    if all(isinstance(value, int | float) for value in present):
        return [None if value is None else float(value) for value in values]
    return [None if value is None else shown(str(value)) for value in values]


def ends_of(interval: Interval | None, name: str = "") -> dict[str, float | None]:
    """The columns ``low`` and ``high`` of an interval, behind a name where there are several; empty without one."""
    before = f"{name}_" if name else ""
    return {f"{before}low": interval.low if interval else None, f"{before}high": interval.high if interval else None}
