"""The types that every room speaks; standard library and numpy only."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.core.benchmark import (
        Benchmark,
        DataRoot,
        DataSet,
        Expansion,
        File,
        Image,
        Item,
        PictureFault,
        Selection,
    )
    from hardiness.core.condition import Condition
    from hardiness.core.errors import ArgumentError, DataError, HardinessError, ModelError, SampleError
    from hardiness.core.fact import CheckOutcome, Fact, Trust
    from hardiness.core.model import CANVAS_224, Canvas, ModelSpec, Source, View
    from hardiness.core.request import Request
    from hardiness.core.result import Metric, Result, Score
    from hardiness.core.run import Run
    from hardiness.core.spread import Interval, Spread
    from hardiness.core.table import RIGHT, ImageTable, Records
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "CANVAS_224",
    "RIGHT",
    "ArgumentError",
    "Benchmark",
    "Canvas",
    "CheckOutcome",
    "Condition",
    "DataError",
    "DataRoot",
    "DataSet",
    "Expansion",
    "Fact",
    "File",
    "HardinessError",
    "Image",
    "ImageTable",
    "Interval",
    "Item",
    "Metric",
    "ModelError",
    "ModelSpec",
    "PictureFault",
    "Records",
    "Request",
    "Result",
    "Run",
    "SampleError",
    "Score",
    "Selection",
    "Source",
    "Spread",
    "Trust",
    "View",
]
