"""ImageNet-C and its kin: sets of corruptions at severities, their errors against a baseline, mCE and relative mCE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, final

import numpy as np

from hardiness import data as datasets
from hardiness import distortions, imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.cell_calibration import SHIFT_METRICS, shift_calibration
from hardiness.benchmarks.corruption_errors import (
    CLEAN_ERROR,
    ERRORS,
    MCE,
    MEAN_ACCURACY,
    MEAN_ERROR,
    RELATIVE_MCE,
    error_scores,
    error_scores_of_cells,
    ratio_scores,
    ratio_weights,
    whole_or_partial,
)
from hardiness.benchmarks.losses import nll_column
from hardiness.benchmarks.operating_limits import OPERATING_LIMIT, is_of_level, strength_of
from hardiness.benchmarks.options import FILE_PREFIX, own_name, reads, registry
from hardiness.benchmarks.photographs import sized
from hardiness.benchmarks.shares import SELECTIVE_METRICS, answered, selective_by_corruption
from hardiness.benchmarks.small_sets import canvas_of_set
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Image, Item, PictureFault, Selection
from hardiness.core.codes import DataRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError, SampleError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.distortions.levels import swept_values
from hardiness.reference.sets import SEVERITIES, DistortionSet, distortion_set, read_set, set_names
from hardiness.reference.small_pictures import small_pictures
from hardiness.reference.strengths import strengths_of
from hardiness.statistics.cells import cell_means, equal_weights, is_whole, means_of
from hardiness.statistics.measures import Measurable, mean_of, weighted_sum

CLEAN = Condition()

OWN = "own"
"""Data set, protocol and suite of a person's own pictures and classes."""

SOURCES = ("auto", "stored", "generated")

TESTBED_VIEW = "testbed"

STANDS_FOR_CORRUPTED = ("imagenet-c", "own-c", "cifar10-c", "cifar100-c")
"""The sets that stand for corrupted pictures on the first screen of a page."""

AT_OWN_SIZE = "own-c"
"""The set that is also made of pictures at their own size."""

SMALL = "cifar10-c"
"""The protocol whose severities a person's own small pictures have."""

OWN_LEVELS = {"imagenet-c": (1, 3, 5)}
"""Levels of a set at which a person's own pictures are shown, where these are not all."""


@register("corruption")
@final
class CorruptionCard(Card):
    """The mCE, the relative mCE and the mean error; then CE and error by corruption, group, severity and cell.

    A set whose headline is no ratio has mCE only where a stored run stands in for a baseline, and none of pictures at
    their own size. Corruptions that are not
    of the set have their errors beside, and are in no mean.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261; Orhan (2019), arXiv:1907.07640, ``evaluate_imagenetc.py``.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit")
    stops_on: ClassVar[str] = "mCE, or the mean error where the set has no mCE"
    draws_cells: ClassVar[bool] = True
    divides: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (*ERRORS, OPERATING_LIMIT, *SHIFT_METRICS, *SELECTIVE_METRICS)
    keys: ClassVar[tuple[str, ...]] = ("corruption", "severity", "level", "above", "group", "protocol")
    place: ClassVar[int] = 31
    severity: ClassVar[str] = "severity"

    def shown(self, key: str, value: Any) -> str:
        """One part of a condition as people write it, a stated accuracy as ``accuracy from 90 %``."""
        return f"accuracy from {100 * value:.4g} %" if key == "above" else super().shown(key, value)

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence and the label's likelihood, image by image and cell by cell."""
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **nll_column(records)})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Ratios and errors, calibration and selective prediction, over what was run of the set and by condition.

        Of a level, which no mean takes, its error only.
        """
        if is_of_level(run):
            return error_scores_of_cells(cell_means(table, table.equals(RIGHT, 0)))
        errors, members = cell_means(table, table.equals(RIGHT, 0)), set_of(run)
        baseline = _divisor(run, baseline)
        present = [cell for cell in errors.cells if cell]
        names = [name for name in dict.fromkeys(cell["corruption"] for cell in present) if name in members.members]
        whole = _is_whole(table, run)
        # Where the mean error is the headline, a part must not pass for the whole; beside mCE it keeps its name.
        mean_error = whole_or_partial(MEAN_ERROR, whole or members.baseline)
        headlines = error_scores(errors, present, names, (mean_error, members.groups))
        if members.baseline or baseline:
            headlines = [*ratio_scores(errors, present, names, whole, baseline), *headlines]
        if members.pictures in small_pictures() and names:
            counted = equal_weights([cell for cell in present if cell["corruption"] in names])
            right = cell_means(table, table.equals(RIGHT, 1))
            headlines.append(right.score(whole_or_partial(MEAN_ACCURACY, whole), counted))
        headlines += shift_calibration(table, names, whole)
        selective = selective_by_corruption(table, names)
        return [*(s for s in headlines if not s.condition), *(s for s in headlines if s.condition), *selective]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """The mCE where there is one, relative mCE where the clean pictures are there, mean and clean error."""
        if is_of_level(run):
            return []
        members, wrong, whole = set_of(run), table.equals(RIGHT, 0), _is_whole(table, run)
        baseline = _divisor(run, baseline)
        places = [k for k, cell in enumerate(table.present) if cell.get("corruption") in members.members]
        if not places:
            return []
        cells = np.isin(np.arange(len(table.present)), places)
        means = [mean_of(whole_or_partial(MEAN_ERROR, whole or members.baseline), wrong, cells)]
        if members.pictures in small_pictures():
            means.append(mean_of(whole_or_partial(MEAN_ACCURACY, whole), table.equals(RIGHT, 1), cells))
        clean = np.array([not cell for cell in table.present])
        if clean.any():
            means.append(mean_of(CLEAN_ERROR, wrong, clean, compared=False))
        ratios = [
            weighted_sum(whole_or_partial(metric, whole), wrong, weights)
            for metric, relative in ((MCE, False), (RELATIVE_MCE, True))
            if (weights := ratio_weights(table.present, places, baseline, relative)) is not None
        ]
        return [*ratios, *means]

    def as_baseline(self, table: ImageTable, run: Run) -> Baseline:
        """The errors of a run in the form of a published baseline; NaN where it has no rows."""
        errors = dict(zip(table.present, means_of(table.equals(RIGHT, 0)).tolist(), strict=True))
        names = dict.fromkeys(condition["corruption"] for condition in run.conditions if condition)
        levels = range(1, max(set_of(run).levels) + 1)  # by severity from 1, whichever of them the set has
        return {
            "clean_error": errors.get(Condition(), float("nan")),
            "error_by_severity": {
                name: [errors.get(Condition(corruption=name, severity=severity), float("nan")) for severity in levels]
                for name in names
            },
        }


def set_of(run: Run) -> DistortionSet:
    """The set that a run is of; one of another package counts every corruption of the run.

    A run that names no benchmark is of ImageNet-C.
    """
    name = run.benchmark.name
    benchmark = registry.find(name)
    if benchmark is not None and issubclass(benchmark, CorruptionSet):
        return benchmark.members
    if not name:
        return distortion_set("imagenet-c")
    cells = [condition for condition in run.conditions if condition]
    corruptions = dict.fromkeys(cell["corruption"] for cell in cells)
    levels = sorted({cell["severity"] for cell in cells if "severity" in cell})
    return DistortionSet(name, "still", "", "", "", "", "", tuple(corruptions), tuple(levels))


def ends_with_jpeg(run: Run) -> bool:
    """Whether the pictures of a run's severities were saved as JPEG, as the files of its set were."""
    return bool(run.benchmark.options.get("jpeg"))


class CellsOfMean(NamedTuple):
    """The cells that a mean error is over.

    Attributes:
        names: of the corruptions, in the order of their set.
        severities: in ascending order.
        members: the set.
    """

    names: tuple[str, ...]
    severities: tuple[int, ...]
    members: DistortionSet

    @property
    def is_part(self) -> bool:
        """Whether corruptions or severities of the set are missing."""
        return (self.names, self.severities) != (self.members.members, self.members.levels)

    @property
    def left_severities(self) -> tuple[int, ...]:
        """The severities, where they are not all of the set's; else none."""
        return () if self.severities == self.members.levels else self.severities


def cells_of_mean(run: Run, scores: Iterable[Score]) -> CellsOfMean | None:
    """The cells that the mean error of a run is over; ``None`` where no cell of the set was evaluated."""
    cells = {score.condition for score in scores if set(score.condition) == {"corruption", "severity"}}
    if not cells:
        return None
    members = set_of(run)
    counted = [cell for cell in cells if cell["corruption"] in members.members]
    names = tuple(name for name in members.members if any(cell["corruption"] == name for cell in counted))
    return CellsOfMean(names, tuple(sorted({cell["severity"] for cell in counted})), members) if names else None


def _divisor(run: Run, baseline: Baseline | None) -> Baseline | None:
    """The baseline; ``None`` for pictures at their own size, under which nobody else's errors are: they have no mCE."""
    return None if run.shows_whole_pictures else baseline


def _is_whole(table: ImageTable, run: Run) -> bool:
    """Whether every cell of the set that the run is of was evaluated."""
    members = set_of(run).members
    needed = {cell for cell in run.conditions if cell.get("corruption") in members}
    return {cell["corruption"] for cell in needed} == set(members) and is_whole(table, needed, run.seed)


def strengths_of_run(run: Run) -> str:
    """The protocol whose severities the pictures of a run have; empty for ImageNet-C's."""
    return str(run.benchmark.options.get("strengths", ""))


def cells(members: DistortionSet, names: Sequence[str], severities: Sequence[int]) -> tuple[Condition, ...]:
    """The cells of these corruptions, without severities that one of them does not have."""
    return tuple(
        Condition(corruption=name, severity=severity)
        for name in names
        for severity in severities
        if name in members.stored_only or severity in distortions.corruptions.get(name).severities
    )


def level_cell(text: str, benchmark: str) -> Condition:
    """The condition of a level as ``contrast/factor=0.7``.

    Raises:
        ArgumentError: it reads otherwise, or the corruption does not have that level.
        UnknownNameError: there is no such corruption.
    """
    name, slash, level = text.partition("/")
    if not slash:
        raise ArgumentError(f"{benchmark}:cell must read CORRUPTION/LEVEL, as in contrast/factor=0.7, was {text!r}")
    return Condition(corruption=name, level=distortions.corruptions.get(name).level_of(level))


def unavailable(members: DistortionSet, conditions: Iterable[Condition]) -> dict[str, str]:
    """The corruptions among these cells that cannot be made here, each with the reason.

    Some need pictures that only some packages carry, some more than the photograph.
    """
    missing: dict[str, str] = {}
    for name in dict.fromkeys(cell["corruption"] for cell in conditions if cell):
        try:
            _require(members, name)
        except DataError as error:
            missing[name] = str(error)
    return missing


def missing_notes(missing: Mapping[str, str], headline: str) -> Iterator[Fact]:
    """A fact for each reason, with the corruptions that it keeps from being evaluated."""
    for reason in dict.fromkeys(missing.values()):
        names = tuple(name for name in missing if missing[name] == reason)
        yield Fact(DataRemark.ABSENT_CONDITIONS, {"cells": names, "partial": headline, "line": reason})


def _require(members: DistortionSet, name: str) -> None:
    """Raise a `DataError` where a corruption cannot be made here."""
    if name in members.stored_only:
        raise DataError(
            f"more than the photograph is needed, so nothing is generated; extract the released files and give "
            f"--data {members.name}=PATH"
        )
    distortions.corruptions.get(name).require()


@dataclass(frozen=True)
class CorruptionSet(Benchmark):
    """Error under each corruption of a set, at each severity; base of the benchmarks that `benchmark_of` makes.

    Class attributes:
        members: the set.
        set_canvas: on which pictures of the set are corrupted, unless strengths of small pictures are asked for.
    """

    members: ClassVar[DistortionSet]
    card: ClassVar[str] = "corruption"
    set_canvas: ClassVar[Canvas] = CANVAS_224
    shard_items: ClassVar[int] = 16

    extra: bool = field(
        default=False, metadata={"help": "also what the authors set apart, which no mean counts", "request": True}
    )
    corruptions: tuple[str, ...] = field(
        default=(),
        metadata={"help": "these alone, as in fog+snow, or your own; all if empty", "request": True},
    )
    severities: tuple[int, ...] = field(
        default=SEVERITIES, metadata={"help": "these alone, as in 1+3+5", "request": True}
    )
    jpeg: bool = field(
        default=True, metadata={"help": "generated images of a severity go through JPEG, as the released ones did"}
    )
    source: str = field(
        default="auto", metadata={"help": "stored, generated, or auto: stored where it is there", "request": True}
    )
    view: str = field(
        default="",
        metadata={"help": "testbed: stored pictures are resized to 256 px and cropped again, as imagenet-testbed did"},
    )
    levels: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "values of the corruptions' quantity, as in 5..95..10 or 17+20, each applied alone, without a JPEG",
            "request": True,
        },
    )
    strengths: str = field(
        default="",
        metadata={"help": "whose severities: cifar10-c for pictures of 32 px, then without a JPEG; the set's if empty"},
    )
    cell: str = field(
        default="", metadata={"help": "one corruption at one level, without clean pictures, as in contrast/factor=0.7"}
    )

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UnknownNameError(f"source of {self.name}", self.source, SOURCES)
        if self.view not in ("", TESTBED_VIEW):
            raise UnknownNameError(f"view of {self.name}", self.view, [TESTBED_VIEW])
        if self.view and self.source != "stored":
            raise ArgumentError(f"{self.name}:view=testbed is of stored pictures; add source=stored")
        if self.strengths != self.members.strengths and self.source == "stored":
            raise ArgumentError(f"{self.name}: strengths are of generated pictures; leave source=stored out")
        for name in {*self.corruptions, *(self.members.members if self.strengths else ())}:
            if name not in self.members.stored_only:
                distortions.corruption_under(name, self.strengths)
        levels = self.members.levels
        for severity in self.severities:
            if severity not in levels:
                raise ArgumentError(f"{self.name}:severities must be {_allowed(levels)}, had {severity}")
        if not self.severities:
            raise ArgumentError(
                f"{self.name}:severities must name at least one severity from {levels[0]} to {levels[-1]}, was empty"
            )
        for name in self.corruptions:
            if not cells(self.members, [name], self.severities):
                raise ArgumentError(f"{self.name}:corruptions: {name} has none of the severities that were asked for")
        if self.jpeg and not self.members.jpeg_quality:
            raise ArgumentError(f"{self.name}:jpeg must be false: its pictures go through no JPEG")
        if (self.levels or self.cell) and self.source == "stored":
            raise ArgumentError(f"{self.name}: levels are made of photographs; leave source=stored out")
        if self.levels and not self.corruptions:
            raise ArgumentError(f"{self.name}:levels are of a corruption: name one, such as jpeg_compression")
        if self.cell:
            level_cell(self.cell, self.name)
        self.level_cells()

    def __reduce__(self) -> tuple[Callable[..., Benchmark], tuple[DistortionSet, Mapping[str, Any]]]:
        """The set and the options: no module has a class made of a data file, so another process makes its own."""
        return _of_members, (self.members, {option.name: getattr(self, option.name) for option in fields(self)})

    @property
    def canvas(self) -> Canvas | None:  # type: ignore[override]  # it follows from an option
        """That of the set; ``None`` where a person's own pictures are corrupted as they are, and then resized."""
        return None if self.is_own and self.strengths else self.set_canvas

    @property
    def own(self) -> tuple[str, ...]:
        """The corruptions that were asked for and are not of the set: evaluated beside it, and in none of its means."""
        return tuple(sorted(set(self.corruptions) - set(self.members.published)))

    def level_cells(self) -> tuple[Condition, ...]:
        """The conditions of the levels that are asked for, whether or not a severity has the same value.

        Raises:
            ArgumentError: a corruption has no quantity, or one with another name or unit, or its quantity not that
                value.
        """
        if not self.levels:
            return ()
        entries = [distortions.corruptions.get(name) for name in self.corruptions]
        quantities = {entry.name: entry.known_quantity(f"{self.name}:levels") for entry in entries}
        first = quantities[self.corruptions[0]]
        for name, quantity in quantities.items():
            if quantity.title != first.title:
                raise ArgumentError(
                    f"{self.name}:levels must be of one quantity: {self.corruptions[0]} has {first.title}, and {name} "
                    f"{quantity.title}; ask for each with a -b of its own"
                )
        values = swept_values(self.levels, f"{self.name}:levels")
        levels = [value if "=" in value else f"{first.name}={value}" for value in values]
        return tuple(
            dict.fromkeys(
                Condition(corruption=entry.name, level=entry.level_of(level)) for entry in entries for level in levels
            )
        )

    def parts(self, data: DataRoot) -> tuple[Benchmark, ...]:
        """The set's own run, with clean pictures, and a run for each level.

        A person's own small pictures have the strengths of small pictures, where the corruptions have such.
        """
        names = {*self.members.members, *self.corruptions}
        is_small = self.is_own and not self.strengths and names <= {*strengths_of(SMALL)} and data.dataset(OWN).side_px
        of_size = replace(self, strengths=SMALL) if is_small else self
        return (of_size, *map(of_size.part_of, of_size.level_cells()))

    def part_of(self, cell: Condition) -> CorruptionSet:
        """The run of one level, which is made of photographs."""
        text = f"{cell['corruption']}/{cell['level']}"
        plain = replace(self, extra=False, corruptions=(), levels=(), severities=self.members.levels, view="")
        return replace(plain, source="generated", cell=text)

    def selection(self) -> Selection:
        """Clean, the corruptions of the set in the published order, one's own; the headline's; those asked for.

        Of a level that alone. Beside levels clean pictures, and the severities that are named.
        """
        if self.cell:
            return Selection((level_cell(self.cell, self.name),))
        members = self.members
        names = self.corruptions or (members.published if self.extra else members.members)
        severities = () if self.levels and self.severities == members.levels else self.severities
        return Selection(
            (CLEAN, *cells(members, (*members.published, *self.own), members.levels)),
            cells(members, members.members, members.levels),
            (CLEAN, *cells(members, names, severities)),
        )

    def identity(self) -> dict[str, Any]:
        """The options that change rows, and the versions of the corruptions; a level has no JPEG."""
        generated = {*self.members.published, *self.own} - set(self.members.stored_only)
        generated = {str(level_cell(self.cell, self.name)["corruption"])} if self.cell else generated
        versions = distortions.corruption_versions(generated)
        options = super().identity()
        if not self.strengths:
            del options["strengths"]
        return {**options, "jpeg": self.jpeg and not self.cell and not self.strengths, "kernels": versions}

    def lacks(self, data: DataRoot) -> Fact | None:
        """The data that are missing; stored files alone will do where these were asked for."""
        if self.source == "stored" and not data.has(self.name):
            return Fact(DataRemark.LACKS_DATA, {"sets": (self.name,)})
        return super().lacks(data)

    def dataset(self, data: DataRoot) -> DataSet:
        """The stored set with the clean photographs beside it where they are there; else the photographs."""
        uses_stored = self.source == "stored" or (self.source == "auto" and data.has(self.name))
        if not uses_stored:
            made_of = data.dataset(self.needs[-1])
            is_on_canvas = self.is_own and not self.strengths  # though they may be small
            return self._without_unavailable(replace(made_of, side_px=0) if is_on_canvas else made_of)
        stored_set = data.dataset(self.name)
        present = stored_set.conditions or frozenset()
        notes = stored_set.notes + tuple(
            self._absent(stored_set, cell) for cell in self.requested() if cell and cell not in present
        )
        photographs = data.dataset(self.needs[-1]) if data.has(self.needs[-1]) else None
        clean = {item.id: item.file for item in photographs.items} if photographs else {}
        fingerprints = {**stored_set.fingerprints, **({CLEAN: photographs.fingerprint} if photographs else {})}
        items = tuple(replace(item, file=replace(item.file, clean=clean.get(item.id))) for item in stored_set.items)  # type: ignore[type-var]
        conditions = present | ({CLEAN} if clean else set())
        return replace(stored_set, items=items, conditions=conditions, notes=notes, fingerprints=fingerprints)

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | PictureFault]:
        """One decode and crop for all cells that are generated; one file a cell for those that are stored."""
        if isinstance(item.file, datasets.CorruptedCopies):
            yield from _stored(item.file, conditions, canvases[0], again=bool(self.view))
            return
        if self.canvas is None:  # they are corrupted as they are
            photograph = imaging.decode(item.file.read(), item.file.name)
            for condition in conditions:
                picture = self.picture(photograph, condition, item.id, seed)
                yield Expansion(condition, 0, (imaging.on_canvas(picture, canvases[0]),))
            return
        clean = _clean(item.file.read(), item.file.name, canvases[0])
        for condition in conditions:
            yield Expansion(condition, 0, (self.picture(clean, condition, item.id, seed),))

    def picture(self, clean: Image, condition: Condition, sample: str, seed: int) -> Image:
        """The generated picture of one cell, ``uint8 (224, 224, 3)``.

        A severity ends with the JPEG of the set's files; a level does not, so that ``quality=90`` is that and no more,
        nor do strengths that are not the set's.
        """
        if not condition:
            return clean
        corrupted = self.corrupted(clean, condition, sample, seed)
        is_saved = self.jpeg and not self.strengths and "level" not in condition
        return imaging.decode(self.encoded(corrupted), sample) if is_saved else corrupted

    def corrupted(self, clean: Image, condition: Condition, sample: str, seed: int) -> Image:
        """The picture of one cell before any JPEG."""
        name, strength = condition["corruption"], strength_of(condition)
        return distortions.corrupt(clean, name, strength, seed=seed, id=sample, protocol=self.strengths)

    def encoded(self, image: Image, optimise: bool = False) -> bytes:
        """The image as the released files hold it: a JPEG of the set's quality; ``optimise`` changes no pixel."""
        return imaging.encode_jpeg(image, self.members.jpeg_quality, optimise)

    def at_own_size(self) -> Benchmark | None:
        """The set ``own-c`` without its JPEG, which would be a second one; ``None`` for every other set."""
        return replace(self, jpeg=False) if self.name == AT_OWN_SIZE else None

    def picture_at_own_size(self, photograph: Image, condition: Condition, sample: str, seed: int) -> Image:
        """The corrupted picture of one cell, as large as the photograph."""
        return self.picture(photograph, condition, sample, seed)

    decide = staticmethod(decisions.argmax)

    def _absent(self, data: DataSet, cell: Condition) -> Fact:
        """Why a cell that was asked for is not evaluated on stored files."""
        partial = "" if cell["corruption"] in self.own else self.headline  # its own can be made from photographs
        files = (f"{cell['corruption']}/{cell['severity']}",)
        return Fact(DataRemark.ABSENT_CONDITIONS, {"cells": files, "partial": partial, "location": data.location})

    @property
    def headline(self) -> str:
        """The name of its first number, for messages."""
        return "mCE" if self.members.baseline else "the mean error"

    def _without_unavailable(self, photographs: DataSet) -> DataSet:
        """The photographs with the corruptions that can be made here, and a note on the others."""
        missing = unavailable(self.members, self.requested())
        if not missing:
            return photographs
        allowed = frozenset(cell for cell in self.conditions() if cell.get("corruption") not in missing)
        return replace(photographs, conditions=allowed, notes=tuple(missing_notes(missing, self.headline)))


def corruption_benchmark(name: str) -> type[CorruptionSet]:
    """The benchmark of a still set, by the set's name: of one that ships, or that somebody has registered.

    Raises:
        UnknownNameError: there is no such set, or it is one of sequences.
    """
    if name in (shipped := set_names("still")):
        return _shipped_benchmark(name)
    registered = {set_name: registry.get(set_name) for set_name in registry}
    sets = {
        set_name: kind for set_name, kind in registered.items() if issubclass(kind, CorruptionSet) and not kind.is_own
    }
    if name not in sets:
        raise UnknownNameError("set of corruptions", name, {*shipped, *sets})
    return sets[name]


@cache
def _shipped_benchmark(name: str) -> type[CorruptionSet]:
    return benchmark_of(distortion_set(name))


@reads("still")
def corruption_set_of(file: Path) -> type[CorruptionSet]:
    """The benchmark of the set of corruptions that a TOML file describes.

    Raises:
        DataError: something is missing or of no known kind; the message says what.
        UnknownNameError: a member is no corruption.
    """
    members = read_set(file)

    def named(texts: Iterable[str]) -> tuple[str, ...]:
        """The names of corruptions, some of which a Python file beside the TOML file may define."""
        parts = (text.partition(FILE_PREFIX) for text in texts)
        beside = (
            f"{prefix}{file.parent / rest}" if prefix and not name else name + prefix + rest
            for name, prefix, rest in parts
        )
        return tuple(own_name(text, distortions.corruptions) for text in beside)

    members = replace(
        members,
        members=named(members.members),
        extra=named(members.extra),
        groups={group: named(texts) for group, texts in members.groups.items()},
    )
    for name in sorted({*members.published} - {*members.stored_only}):
        distortions.corruptions.get(name)
    if members.baseline:
        raise DataError(f"{file}: baseline must be left out, since the errors of its baseline stand nowhere")
    return benchmark_of(members)


def benchmark_of(members: DistortionSet) -> type[CorruptionSet]:
    """The benchmark that a set describes; for a set of one's own, to be registered by the caller."""
    attributes: dict[str, Any] = {
        "__doc__": f"{members.about.strip()}\n\nSource: {members.source}",
        "__module__": __name__,
        "name": members.name,
        "question": members.question,
        "paper": members.paper,
        "protocol": members.protocol,
        "needs": (members.name, members.pictures) if members.protocol != OWN else (OWN,),
        "clean_twin": members.pictures if members.pictures in small_pictures() else "",
        "set_canvas": canvas_of_set(members.pictures),
        "members": members,
        "is_own": members.protocol == OWN,
        "sibling": members.beside,
        "line_view": members.line_view,
        "stands_for": "corrupted" if members.name in STANDS_FOR_CORRUPTED else "",
        "precedence": int(members.protocol == OWN or members.pictures in small_pictures()),
        # The set of the paper, which has a published baseline, stands before its relatives.
        "place": 30 if members.baseline else 31,
        "group": members.topic,
    }
    options: list[tuple[str, Any, Any]] = [
        ("severities", tuple[int, ...], _default("severities", members.levels)),
        ("jpeg", bool, _default("jpeg", bool(members.jpeg_quality))),
        ("strengths", str, _default("strengths", members.strengths)),
    ]
    title = "".join(word.capitalize() for word in members.name.split("-"))
    kind = make_dataclass(
        title, options, bases=(CorruptionSet,), namespace=attributes, frozen=True, eq=False, repr=False
    )  # the base compares and shows the same fields
    return final(kind)


def _of_members(members: DistortionSet, options: Mapping[str, Any]) -> Benchmark:
    kind = registry.find(members.name)
    if kind is None or getattr(kind, "members", None) != members:  # registered in the first process alone
        kind = benchmark_of(members)
    return kind(**options)


def _allowed(levels: Sequence[int]) -> str:
    """The severities of a set, in words for a message."""
    if list(levels) == list(range(levels[0], levels[-1] + 1)):
        return f"numbers from {levels[0]} to {levels[-1]}"
    return f"of {', '.join(map(str, levels))}"


def _default(option: str, value: Any) -> Any:
    """A field of the base with another default."""
    return field(default=value, metadata=dict(CorruptionSet.__dataclass_fields__[option].metadata))


def _stored(
    file: datasets.CorruptedCopies, conditions: Sequence[Condition], canvas: Canvas, again: bool
) -> Iterator[Expansion | PictureFault]:
    """The file of each cell; ``again``: resized and cropped once more."""
    for condition in conditions:
        try:
            if condition:
                cell = file.cell(condition["corruption"], condition["severity"])
                image = sized(imaging.decode(cell.read(), cell.name), cell.name, "in the released files", canvas)
                image = imaging.on_canvas(image, canvas) if again else image
            else:
                image = _clean(file.read(), file.name, canvas)
            yield Expansion(condition, 0, (image,))
        except SampleError as error:
            yield PictureFault(condition, str(error))


def _clean(content: bytes, name: str, canvas: Canvas) -> Image:
    return imaging.on_canvas(imaging.decode(content, name), canvas)


def own_set(name: str) -> DistortionSet:
    """The part of a published set that can be made of a person's own pictures, called ``own-…`` for ``imagenet-…``.

    Raises:
        UnknownNameError: there is no such set.
    """
    published = distortion_set(name)
    levels = OWN_LEVELS.get(name, published.levels)
    members = tuple(member for member in published.members if member not in published.stored_only)
    at = f"{', '.join(map(str, levels[:-1]))} and {levels[-1]}"
    return replace(
        published,
        name=f"own-{name.removeprefix('imagenet-')}",
        question="How much of its accuracy on your own pictures does the model keep under corruptions?",
        protocol=OWN,
        about=f"Your own pictures in your own classes under {', '.join(members)}, at severities {at}: mean error, what "
        f"is kept of the clean accuracy, and which class breaks first. Made as for {name}.",
        members=members,
        groups={group: tuple(m for m in all_of if m in members) for group, all_of in published.groups.items()},
        levels=levels,
        stored_only=(),
        baseline=False,
        beside="",
        line_view="",
    )


@registry.family
def _benchmarks() -> Iterator[tuple[str, type[CorruptionSet], str]]:
    """The benchmarks of each set: on ImageNet, and on a person's own pictures."""
    for name in set_names("still"):
        yield name, _shipped_benchmark(name), f"reference/sets/{name}.toml"
        if distortion_set(name).pictures == "imagenet":
            own = own_set(name)
            yield own.name, benchmark_of(own), f"{__name__}:own_set"
