"""What every table keeps of rows: right or wrong, the answer, and how sure it was."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Records

LARGEST_INT16 = np.iinfo(np.int16).max


def answered(
    records: Records, prediction: str = "prediction", confidence: str = "confidence"
) -> dict[str, NDArray[Any]]:
    """``right``, ``answer`` and, where rows have it, ``confidence`` of each row, from the columns of these names."""
    answer = records[prediction]
    found: dict[str, NDArray[Any]] = {RIGHT: answer == records["label"], "answer": classes(answer)}
    if confidence in records:
        found["confidence"] = records[confidence].astype(np.float32)
    return found


def classes(values: NDArray[Any]) -> NDArray[Any]:
    """Class indices, as int16 where they fit."""
    fits = not len(values) or int(values.max()) <= LARGEST_INT16
    return values.astype(np.int16 if fits else np.int32)
