"""How far the protocol itself moves a score: one thing varied at a time, on the same images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.forms import fields_form, from_json, json_field
from hardiness.core.result import Metric, Score, TextTable
from hardiness.results.measured import RunByImage
from hardiness.statistics.comparison import difference, shared_images
from hardiness.statistics.intervals import wilson
from hardiness.statistics.spreads.combined import Among
from hardiness.store.store import Store
from hardiness.store.writing import as_json, parse_json

FOLDER = "noise"
HEADS = ("score", "varied", "score as it is", "moved by", "95 %", "images answered otherwise", "n")


@dataclass(frozen=True, slots=True)
class SettingEffect:
    """The effect of one setting on one score, against the usual setting.

    Attributes:
        factor, setting: what was varied, and to what.
        title: which score, as people call it.
        usual: the score with the usual setting.
        moved: the score with this one, less ``usual``, paired on the same images; the intervals of all settings of a
            score hold at once in 95 %.
        otherwise: how many of these images were answered otherwise, right instead of wrong or wrong instead of right,
            under whichever condition.
    """

    factor: str
    setting: str
    title: str
    usual: float
    moved: Score = field(metadata=json_field(write=fields_form))
    otherwise: int

    def as_row(self) -> tuple[str, ...]:
        """Under `HEADS`, as text."""
        ends = self.moved.interval
        return (
            self.title,
            f"{self.factor}: {self.setting}",
            f"{100 * self.usual:.2f}",
            f"{100 * self.moved.number:+z.2f}",
            f"{100 * ends.low:+z.2f} … {100 * ends.high:+z.2f}" if ends else "",
            f"{self.otherwise:,}",
            f"{self.moved.n:,}",
        )


@dataclass(frozen=True)
class Noise:
    """The noise of one model's scores on one benchmark.

    Attributes:
        key: of the run whose settings are the usual ones.
        model, benchmark, data: of that run.
        moved: by setting and score.
        left_out: what was not varied, with the reason.
    """

    key: str
    model: str
    benchmark: str
    data: str
    moved: tuple[SettingEffect, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def least(self, metric: str, condition: Condition) -> tuple[float, int]:
        """How far some setting moves a score at least, and on how many images that was measured.

        It is the interval's end nearer to 0; 0 and 0 where no interval excludes 0, as then no movement is known.
        """
        ends = [
            (max(ends.low, -ends.high, 0.0), each.moved.n)
            for each in self.moved
            if (each.moved.metric, each.moved.condition) == (metric, condition) and (ends := each.moved.interval)
        ]
        return max((end for end in ends if end[0] > 0), default=(0.0, 0))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, which `stored_noise` reads."""
        return fields_form(self)

    def as_details(self) -> list[dict[str, Any]]:
        """Each score with how far some setting moves it at least, and on how many images, for a page."""
        names = dict.fromkeys((each.moved.metric, each.moved.condition) for each in self.moved)
        return [
            {"metric": metric, "condition": dict(condition), "noise": least, "n": n}
            for metric, condition in names
            for least, n in (self.least(metric, condition),)
        ]

    def view(self, told: Callable[[Fact], str] = str) -> TextTable:
        """A row for each score and setting, the scores' most moving settings first.

        Args:
            told: gives the text of a fact; by default its code and arguments.
        """
        order = {each.title: place for place, each in reversed(list(enumerate(self.moved)))}
        moved = sorted(self.moved, key=lambda each: (order[each.title], -abs(each.moved.number)))
        notes = [f"not varied: {what}: {reason}" for what, reason in self.left_out.items()]
        lacks = {each.title: lack for each in moved if (lack := each.moved.lack)}
        notes += [f"{title} has no interval: {told(lack)}" for title, lack in lacks.items()]
        if moved:
            n = min(each.moved.n for each in moved)
            images = "1 image does" if n == 1 else f"{n:,} images do"
            notes.append(f"{images} not show what turns fewer than {100 * wilson(0, n).high:.2g} % of answers")
        notes.append(
            "a difference of this model from another is nothing where it is no larger than what a setting moves the "
            "score by at least (the end of its interval that is nearer to 0; the intervals of a score hold at once)"
        )
        title = f"{self.model} on {self.benchmark} ({self.data}): what moves its scores, in points"
        return TextTable(title, HEADS, tuple(each.as_row() for each in moved), named=2, notes=tuple(notes))

    def _repr_html_(self) -> str:
        """The table as HTML, for a notebook."""
        return self.view().html()

    def keep(self, store: Store) -> str:
        """Put the record into an output folder, in place of an earlier one of the same run; where it is.

        Raises:
            StoreError: disk full or no permission.
        """
        path = f"{FOLDER}/{self.key}.json"
        store.files.write(path, as_json(self))
        return f"{store.address}/{path}"


def moved_by(
    factor: str, setting: str, usual: RunByImage, varied: RunByImage, settings: int = 1
) -> list[SettingEffect]:
    """The effect of a setting on every score that both runs have, on the images that both have.

    Args:
        factor, setting: what was varied, and to what.
        usual, varied: the same model on the same benchmark.
        settings: how many are varied; each interval has its share of 5 %.

    Source: Bonferroni, as the setting that moves a score most is looked at.
    """
    ids = shared_images({"usual": usual.ids, "varied": varied.ids})
    if not len(ids):
        return []
    places = [np.searchsorted(run.ids, ids) for run in (usual, varied)]
    right = [run.right[at] for run, at in zip((usual, varied), places, strict=True)]
    same_cells = right[0].shape == right[1].shape
    otherwise = int((right[0] != right[1]).any(axis=1).sum()) if same_cells else 0
    effects = []
    for score in usual.scores:
        other = [each for each in varied.scores if (each.metric, each.condition) == (score.metric, score.condition)]
        if not other:
            continue
        (before, few), (after, fewer) = usual.estimate(score, ids), varied.estimate(other[0], ids)
        if math.isnan(before.value) or math.isnan(after.value):
            continue
        alone = difference(after, before, score.span, few or fewer)
        moved = Metric(score.metric, unit=usual.unit(score), higher_is_better=score.higher_is_better).score(
            alone.value,
            len(ids),
            alone.spread and Among(alone.spread, 1 / settings),
            score.condition,
            lack=None if alone.spread else alone.lack,
        )
        effects.append(SettingEffect(factor, setting, usual.title(score), before.value, moved, otherwise))
    return effects


def stored_noise(stores: Iterable[Store]) -> dict[str, Noise]:
    """The noise that was measured, by the key of the run.

    Raises:
        StoreError: a record cannot be read.
    """
    noises: dict[str, Noise] = {}
    for store in stores:
        for path in store.files.list_files(FOLDER):
            if path.count("/") == 1 and path.endswith(".json"):
                where = f"{store.address}/{path}"
                form = parse_json(store.files.read(path) or b"", where)
                noise = from_json(Noise, form, where, "delete it and measure again")
                noises[noise.key] = noise
    return noises
