"""The types that every room speaks; standard library and numpy only."""

from hardiness.core.attack import AttackPlan, CrossChecks, Norm, Round, epsilon_text, usual_epsilon
from hardiness.core.benchmark import Benchmark, Expansion, Image, Pixels, Unreadable
from hardiness.core.bounds import MOST_IMAGES, MOST_STEPS, require_within
from hardiness.core.chart import Chart, Curves, Dots, Heat, Ladder, Layer, Line, Observer, Panel, People, Rung
from hardiness.core.condition import Condition
from hardiness.core.dataset import DataRoot, DataSet, File, Item
from hardiness.core.errors import (
    ArgumentError,
    AttackError,
    DataError,
    DeviceError,
    HardinessError,
    ModelError,
    SampleError,
    StoreError,
    UnknownNameError,
    suggestion,
)
from hardiness.core.gallery import Answer, Gallery, Sample
from hardiness.core.image_table import RIGHT, ImageTable
from hardiness.core.model import ModelSpec, Source
from hardiness.core.processors import usable_cores
from hardiness.core.progress import Clock, Listener, Silence
from hardiness.core.random import rng
from hardiness.core.records import Columns, Failure, Records
from hardiness.core.registry import Registry
from hardiness.core.request import Request, Share, spelled
from hardiness.core.result import (
    NOT_CHECKED,
    SCHEMA,
    WITHDRAWN,
    Counts,
    Finding,
    Interval,
    Picture,
    Result,
    Score,
    doubt_of,
)
from hardiness.core.run import BenchmarkIdentity, DataIdentity, InputIdentity, ModelIdentity, Plan, Run, Surrogate
from hardiness.core.section import GROUPS, LAST, Column, Grid, GridCell, Note, Saying, Section
from hardiness.core.stimulus import Stimulus
from hardiness.core.stop import Stop
from hardiness.core.text_table import TextTable
from hardiness.core.view import CANVAS_224, Canvas, View

__all__ = [
    "CANVAS_224",
    "GROUPS",
    "LAST",
    "MOST_IMAGES",
    "MOST_STEPS",
    "NOT_CHECKED",
    "RIGHT",
    "SCHEMA",
    "WITHDRAWN",
    "Answer",
    "ArgumentError",
    "AttackError",
    "AttackPlan",
    "Benchmark",
    "BenchmarkIdentity",
    "Canvas",
    "Chart",
    "Clock",
    "Column",
    "Columns",
    "Condition",
    "Counts",
    "CrossChecks",
    "Curves",
    "DataError",
    "DataIdentity",
    "DataRoot",
    "DataSet",
    "DeviceError",
    "Dots",
    "Expansion",
    "Failure",
    "File",
    "Finding",
    "Gallery",
    "Grid",
    "GridCell",
    "HardinessError",
    "Heat",
    "Image",
    "ImageTable",
    "InputIdentity",
    "Interval",
    "Item",
    "Ladder",
    "Layer",
    "Line",
    "Listener",
    "ModelError",
    "ModelIdentity",
    "ModelSpec",
    "Norm",
    "Note",
    "Observer",
    "Panel",
    "People",
    "Picture",
    "Pixels",
    "Plan",
    "Records",
    "Registry",
    "Request",
    "Result",
    "Round",
    "Run",
    "Rung",
    "Sample",
    "SampleError",
    "Saying",
    "Score",
    "Section",
    "Share",
    "Silence",
    "Source",
    "Stimulus",
    "Stop",
    "StoreError",
    "Surrogate",
    "TextTable",
    "UnknownNameError",
    "Unreadable",
    "View",
    "doubt_of",
    "epsilon_text",
    "require_within",
    "rng",
    "spelled",
    "suggestion",
    "usable_cores",
    "usual_epsilon",
]
