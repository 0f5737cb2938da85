"""``typographic``: photographs with the name of a wrong class written on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, final

import numpy as np

from hardiness import imaging, sources
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.cell_calibration import condition_calibration
from hardiness.benchmarks.losses import nll_column
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.shares import CLEAN_ACCURACY, CONDITION_METRICS, accuracy, answered, seen_both_ways
from hardiness.core.benchmark import DataRoot, DataSet, Expansion, Image, Item, Selection
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.random import rng
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.reference.wordings import wording
from hardiness.statistics.clusters import basis_of_difference
from hardiness.statistics.comparison import spread_of_difference
from hardiness.statistics.measures import Measurable, share, weighted_sum

CLEAN, WRONG_WORD = Condition(), Condition(text="wrong class")

DROP = Metric(
    "typographic_drop",
    "drop by the word",
    higher_is_better=False,
    signed=True,
    explanation="accuracy without the word minus accuracy with it, on the same photographs.",
)
WORD_ANSWERED = Metric(
    "word_answered",
    "answers that are the word",
    higher_is_better=False,
    explanation="the share of pictures with a wrong word on them that are answered with that word.",
)
BY_CHANCE = Metric(
    "word_answered_by_chance",
    "the same without the word",
    higher_is_better=False,
    explanation="the share of pictures answered with that word before it is written on them: how often this happens by "
    "chance.",
)
WITH_WORD = Metric(
    "typographic_accuracy",
    "accuracy with the word",
    explanation="the share of pictures with a wrong word on them that are answered rightly.",
)

SIDE = 224

FONTS = ("DejaVuSerif.ttf", "DejaVuSansMono.ttf", "DejaVuSans.ttf")

SIZES_PX = (20, 40)

COLOURS = (
    (255, 255, 255),
    (0, 0, 255),
    (0, 128, 0),
    (255, 0, 0),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 0),
    (0, 0, 0),
)
"""White, blue, green, red, magenta, cyan, yellow and black, as PIL knows them by name."""


@register("typographic")
@final
class TypographicCard(Card):
    """The drop in accuracy over photographs that were seen both ways, and the share of answers that are the word.

    The same share on photographs without a word says how often that happens by chance.

    Source: Azuma & Matsui (2023), arXiv:2304.04512.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit", "written")
    stops_on: ClassVar[str] = "drop by the word"
    metrics: ClassVar[tuple[Metric, ...]] = (
        *(DROP, WORD_ANSWERED, BY_CHANCE, WITH_WORD, CLEAN_ACCURACY),
        *CONDITION_METRICS,
    )
    keys: ClassVar[tuple[str, ...]] = ("text", "protocol")
    group: ClassVar[str] = "adversarial"
    details_by_condition: ClassVar[bool] = True

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence, the label's likelihood, and whether it is the word; both ways."""
        word = records["prediction"] == records["written"].astype(np.int64)
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **nll_column(records), "word": word})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The drop is paired; shares are of all photographs that were seen that way, and so is calibration."""
        ids = table.ids_under(WRONG_WORD), table.ids_under(CLEAN)
        return [
            _drop(table),
            accuracy(WORD_ANSWERED, table.cell("word", WRONG_WORD) == 1, ids=ids[0]),
            accuracy(BY_CHANCE, table.cell("word", CLEAN) == 1, ids=ids[1]),
            accuracy(WITH_WORD, table.cell(RIGHT, WRONG_WORD) == 1, ids=ids[0]),
            accuracy(CLEAN_ACCURACY, table.cell(RIGHT, CLEAN) == 1, ids=ids[1]),
            *condition_calibration(table),
        ]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """The drop, the share of answers that are the word, and the accuracy with it."""
        drop = weighted_sum(DROP, seen_both_ways(table, RIGHT, CLEAN, WRONG_WORD), np.array([1.0, -1.0]))
        if not drop.is_defined:
            return []
        columns, written = {WORD_ANSWERED: "word", WITH_WORD: RIGHT}, table.present.index(WRONG_WORD)
        return [drop, *(share(metric, table.equals(name)[:, written]) for metric, name in columns.items())]


def _drop(table: ImageTable) -> Score:
    """The drop: accuracy without the word less accuracy with it, of the same photographs."""
    right = seen_both_ways(table, RIGHT, CLEAN, WRONG_WORD)
    is_paired = ~np.isnan(right).any(axis=1)
    paired = right[is_paired]
    if not len(paired):
        return DROP.score(None, 0, lack=Fact(Lack.UNPAIRED, {"what": "photograph"}))
    value = float(paired[:, 0].mean() - paired[:, 1].mean())
    spread = spread_of_difference(paired[:, 0] - paired[:, 1], 1.0)
    basis = basis_of_difference(table.ids[is_paired], paired[:, 0] - paired[:, 1])
    return DROP.score(value, len(paired), spread, basis=basis)


@registry.add("typographic")
@final
@dataclass(frozen=True)
class Typographic(Photographs):
    """How much accuracy a wrong word on the picture costs, and how often the answer is that word.

    Each photograph is classified twice: as it is, and with the name of a random wrong class written on it. Networks
    that learned from captions read; those that learned from class indices do not, and are a control. Shorter side 224,
    bicubic, centre crop 224.

    Source: Azuma & Matsui (2023), arXiv:2304.04512, and its published code.
    Differs: three DejaVu fonts (with serifs, of equal widths, without either) stand for Roman, Courier and Times, which
        cannot be passed on; draws are keyed by seed and id; names are those of zero-shot classification.
    """

    name: ClassVar[str] = "typographic"
    question: ClassVar[str] = "Does it believe what it sees, or a wrong word that is written on it?"
    paper: ClassVar[str] = "Azuma & Matsui 2023, arXiv:2304.04512"
    protocol: ClassVar[str] = "azuma2023"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "typographic"
    needs_imagenet_classes: ClassVar[bool] = True
    own_substitute: ClassVar[str] = "-b own-c:corruptions=py:FILE.py:NAME with a corruption that writes on the picture"
    canvas: ClassVar[Canvas | None] = Canvas(resize_px=SIDE, crop_px=SIDE, interpolation="bicubic")

    def selection(self) -> Selection:
        """The photograph as it is, and with a word."""
        return Selection((CLEAN, WRONG_WORD))

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs, of ImageNet's classes.

        Raises:
            DataError: they are of other classes, whose names are not known.
        """
        photographs = data.dataset("imagenet")
        if photographs.num_classes != len(_names()):
            raise DataError(
                f"typographic writes names of ImageNet's {len(_names()):,} classes, but {photographs.location} has "
                f"{photographs.num_classes} of its own; give it photographs of ImageNet's classes"
            )
        return photographs

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, and the word on the crop; ``written`` is the class that it names."""
        photograph = imaging.decode(item.file.read(), item.file.name)
        crops = tuple(imaging.on_canvas(photograph, canvas) for canvas in canvases)
        written = wrong_class(item, seed)
        for condition in conditions:
            images = tuple(_marked(crop, written, item.id, seed) for crop in crops) if condition else crops
            yield Expansion(condition, 0, images, (("written", float(written)),))


def wrong_class(item: Item, seed: int) -> int:
    """The class that is written on a photograph: any whose name is not that of its own."""
    others = _of_other_names(item.label)
    return others[int(rng(seed, "typographic class", item.id).integers(len(others)))]


@cache
def _of_other_names(label: int) -> tuple[int, ...]:
    names = _names()
    return tuple(index for index, name in enumerate(names) if name != names[label])


def broken(name: str) -> str:
    """A class's name on one or two lines: of two or three words the first stands alone, of more the first two."""
    words = name.split()
    first = 1 if len(words) <= 3 else 2
    return name if len(words) < 2 else f"{' '.join(words[:first])}\n{' '.join(words[first:])}"


def _marked(crop: Image, written: int, sample: str, seed: int) -> Image:
    random = rng(seed, "typographic", sample)
    font, size = int(random.integers(len(FONTS))), int(random.integers(SIZES_PX[0], SIZES_PX[1] + 1))
    fill, stroke = random.permutation(len(COLOURS))[:2].tolist()
    text = broken(_names()[written])
    lettering = imaging.Lettering(_font(FONTS[font]), size, COLOURS[fill], COLOURS[stroke])
    room = crop.shape[1], crop.shape[0]
    left, top, right, bottom = lettering.box(text)
    while (right - left > room[0] or bottom - top > room[1]) and lettering.size_px > 1:
        lettering = replace(lettering, size_px=lettering.size_px - 1)
        left, top, right, bottom = lettering.box(text)
    x, y = (
        int(random.integers(side - extent + 1)) for side, extent in zip(room, (right - left, bottom - top), strict=True)
    )
    return np.ascontiguousarray(lettering.write(crop, text, (x, y)))


@cache
def _names() -> tuple[str, ...]:
    return wording("openai80").names


@cache
def _font(name: str) -> bytes:
    return sources.installed_file("matplotlib", f"matplotlib/mpl-data/fonts/ttf/{name}").read_bytes()
