"""Accuracies that timm published: top-1 on ImageNet and five sets beside it, by model and size of the crop."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hardiness.core.run import ModelIdentity

TIMM_SETS = {
    "imagenet-val": "val_top1",
    "imagenet-real": "real_top1",
    "imagenet-v2": "v2_top1",
    "imagenet-a": "a_top1",
    "imagenet-r": "r_top1",
    "imagenet-sketch": "sketch_top1",
}
"""The column of each benchmark in timm's table; ``imagenet-real`` is the validation set by its reassessed labels."""

TIMM_IMAGES = {
    "imagenet-val": 50_000,
    "imagenet-real": 46_837,
    "imagenet-v2": 10_000,
    "imagenet-a": 7_500,
    "imagenet-r": 30_000,
    "imagenet-sketch": 50_889,
}
"""Number of photographs of each benchmark in timm's table."""

CLEAN_COLUMNS = {"imagenet-a": "a_clean_top1", "imagenet-r": "r_clean_top1"}
"""The column of clean accuracy within a set's 200 classes, where there is one."""

PREFIX = "timm:"

SAME_WEIGHTS = {
    "resnext101_32x8d": "resnext101_32x8d.tv_in1k",
    "resnext101_32x8d_wsl": "resnext101_32x8d.fb_wsl_ig1b_ft_in1k",
    "resnext101_32x16d_wsl": "resnext101_32x16d.fb_wsl_ig1b_ft_in1k",
    "resnext101_32x32d_wsl": "resnext101_32x32d.fb_wsl_ig1b_ft_in1k",
}
"""Models of this project by their names in timm."""


@dataclass(frozen=True, slots=True)
class TimmRow:
    """One model at one size.

    Attributes:
        model: timm's name, e.g. ``"resnet50.a1_in1k"``.
        crop_px: side of the crop.
        crop_pct: crop over resized shorter side.
        parameters_m: millions of parameters.
        top1: by benchmark of `TIMM_SETS`, fractions of 1.
        clean: clean top-1 within the classes of a set of `CLEAN_COLUMNS`, fractions of 1.
    """

    model: str
    crop_px: int
    crop_pct: float
    parameters_m: float
    top1: Mapping[str, float]
    clean: Mapping[str, float]


@cache
def timm_rows() -> tuple[TimmRow, ...]:
    """All 1,557 rows of 1,267 models, by falling top-1 on the validation set.

    Source: timm's results folder, Apache-2.0 (see ``SOURCES.md``).
    """
    text = gzip.decompress(Path(__file__).with_name("timm_results.csv.gz").read_bytes()).decode()
    return tuple(
        TimmRow(
            row["model"],
            int(row["img_size"]),
            float(row["crop_pct"]),
            float(row["param_count"].replace(",", "")),
            {name: float(row[column]) / 100 for name, column in TIMM_SETS.items() if row[column]},
            {name: float(row[column]) / 100 for name, column in CLEAN_COLUMNS.items() if row[column]},
        )
        for row in csv.DictReader(io.StringIO(text))
    )


def timm_row(model: ModelIdentity) -> TimmRow | str | None:
    """The published row of a model's weights at the size and crop it was run with.

    Returns:
        The row; in one sentence why there is none, where timm knows the model; ``None`` where it does not.
    """
    name = SAME_WEIGHTS.get(model.name, model.name.removeprefix(PREFIX))
    if name == model.name:
        return None
    rows = _by_model().get(name, ())
    if not rows:
        return None
    view = model.view
    fits = [
        row
        for row in rows
        if row.crop_px == view.crop_px and abs(view.crop_px / view.resize_px - row.crop_pct) < 1 / view.resize_px
    ]
    if fits:
        return fits[0]
    sizes = " and ".join(f"{row.crop_px} px of {round(row.crop_px / row.crop_pct)}" for row in rows)
    return f"timm published {name} at {sizes}, not at {view.crop_px} px of {view.resize_px}"


@cache
def best_rows(benchmark: str) -> tuple[TimmRow, ...]:
    """Each model once, by its best row on a benchmark of `TIMM_SETS`, the best first."""
    best: dict[str, TimmRow] = {}
    for row in sorted((row for row in timm_rows() if benchmark in row.top1), key=lambda row: -row.top1[benchmark]):
        best.setdefault(row.model, row)
    return tuple(best.values())


def parameters_m(model: ModelIdentity) -> float | None:
    """Millions of parameters of a model that timm knows; ``None`` of any other."""
    rows = _by_model().get(SAME_WEIGHTS.get(model.name, model.name.removeprefix(PREFIX)), ())
    return rows[0].parameters_m if rows else None


@cache
def _by_model() -> Mapping[str, tuple[TimmRow, ...]]:
    by_model: dict[str, list[TimmRow]] = {}
    for row in timm_rows():
        by_model.setdefault(row.model, []).append(row)
    return {name: tuple(rows) for name, rows in by_model.items()}
