"""A benchmark: data, conditions, a decision rule and a card, composed under the name of a published protocol."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hardiness.core.attack_plan import AttackPlan
from hardiness.core.codes import DataRemark
from hardiness.core.columns import NO_COLUMNS
from hardiness.core.columns import Columns as PictureColumns
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.table import Columns

_CATEGORY = r"[^\W\d_](?:[\w ]*[^\W\d])?"
_NAME = re.compile(rf"({_CATEGORY})(\d+)-({_CATEGORY})(\d+)")

LAST = 90
"""The place of sections that no experiment of the paper is like."""

GROUPS = (
    "clean",
    "distortions",
    "natural shift",
    "adversarial",
    "shape",
    "out of distribution",
    "labels",
    "other",
)
"""The subjects of benchmarks, in the order in which the overview shows them."""


class Stimulus(NamedTuple):
    """``<shape><n>-<texture><n>``: two categories, and which picture of each.

    A category begins with a letter and ends with a letter or an underscore; letters, digits, underscores and spaces
    may stand between.

    Source: the file names of Geirhos et al. (2019), arXiv:1811.12231.
    """

    shape: str
    shape_number: int
    texture: str
    texture_number: int

    @classmethod
    def parse(cls, stem: str) -> Stimulus | None:
        """The stimulus of that name, without suffix; ``None`` where the name breaks the rule."""
        match = _NAME.fullmatch(stem)
        if match is None:
            return None
        shape, first, texture, second = match.groups()
        return cls(shape, int(first), texture, int(second))

    @property
    def in_conflict(self) -> bool:
        """Whether shape and texture are of different categories."""
        return self.shape != self.texture

    def __str__(self) -> str:
        return f"{self.shape}{self.shape_number}-{self.texture}{self.texture_number}"


class File(Protocol):
    """Bytes that can be read again and again, from any thread: a file on disk, in an archive or in a package."""

    @property
    def name(self) -> str:
        """The name of the file in error messages: a path, or ``archive!member``."""
        ...

    def read(self) -> bytes:
        """All of its bytes.

        Raises:
            SampleError: it cannot be read.
        """
        ...


AS_IT_IS = ("canvas", "as it is")
"""Tag of items that are on their canvas already and must not be cropped again."""


@dataclass(frozen=True, slots=True)
class Item:
    """One sample: ``id`` is ``"<wnid>/<stem>"`` (unique, stable across machines), ``label`` its class index."""

    id: str
    label: int
    file: File
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DataSet:
    """A named, fingerprinted list of items.

    Attributes:
        name: what results carry, e.g. ``"imagenet"`` or ``"embedded"``.
        items: sorted by id.
        num_classes: how many classes the labels index into.
        fingerprint: hash that changes whenever the data do; where there are `fingerprints`, whenever the list of
            photographs does.
        location: where it was found, for people.
        class_names: folder names in label order where the classes are not ImageNet's; else ``None``.
        outputs: these names in the order of the outputs of a network that does not name its classes; may be empty where
            that is the order of the labels.
        conditions: the conditions that can be evaluated on it, where it does not allow all.
        notes: faults that cost only a part of it; they are told, and the exit status is 1.
        remarks: what else lies in its folders and is no item of it, a line each; the exit status stays as it is.
        released: how many items the published set has; results on fewer are shown as partial. ``None`` if unknown.
        categories: groups of classes that answers are judged by, where they are not judged by single classes: the
            class indices of each, by name.
        questions: of samples about which a closed question chooses between two answers of their own, by id, the names
            of both, the right one first; empty where a question offers all categories or classes.
        choices: the class indices that each of these names stands for.
        question_tables: the files that `questions` are read from, below its folder; empty where there are none.
        fingerprints: where each condition has files of its own, a hash that changes whenever those of the condition
            do; empty where the conditions are made of the items.
        columns: what is known of its pictures beyond their labels, by id; no part of its identity.
        side_px: width and height of small pictures, at which they are shown, corrupted and attacked; 0 for photographs,
            which are shown as each model and benchmark says.
    """

    name: str
    items: Sequence[Item]
    num_classes: int
    fingerprint: str
    location: str
    class_names: tuple[str, ...] | None = None
    outputs: tuple[str, ...] = ()
    conditions: frozenset[Condition] | None = None
    notes: tuple[Fact, ...] = ()
    remarks: tuple[Fact, ...] = ()
    released: int | None = None
    categories: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    questions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    choices: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    question_tables: str = ""
    fingerprints: Mapping[Condition, str] = field(default_factory=dict)
    columns: PictureColumns = NO_COLUMNS
    side_px: int = 0

    @property
    def canvas(self) -> Canvas | None:
        """The own size of small pictures; ``None`` for photographs."""
        return Canvas(self.side_px, self.side_px) if self.side_px else None

    @property
    def identity(self) -> str:
        """A hash that changes whenever anything of it does, in whatever condition."""
        if not self.fingerprints:
            return self.fingerprint
        cells = sorted((str(condition), digest) for condition, digest in self.fingerprints.items())
        lines = "".join(f"{condition}\0{digest}\n" for condition, digest in cells)
        return sha256(f"{self.fingerprint}\n{lines}".encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.items)


class DataRoot(Protocol):
    """Finds data sets by name (``"imagenet"``, ``"imagenet-a"``, …) in what ``--data`` named."""

    def dataset(self, name: str) -> DataSet:
        """The data set of that name.

        Raises:
            DataError: it is not there, empty or laid out wrongly; the message says what to do.
        """
        ...

    def has(self, name: str) -> bool:
        """Whether a data set of that name was named or is there, without reading it."""
        ...

    def is_replaced_by_own(self, name: str) -> bool:
        """Whether a person's own pictures stand for that data set, which is not there."""
        ...

    def outside_sets(self) -> tuple[str, ...]:
        """The names of a person's own sets of pictures that show none of the classes."""
        ...


Image = NDArray[np.uint8]
"""``uint8 (H, W, 3)``, RGB, 0–255: the form of the disk and the corruptions."""

Pixels = NDArray[np.float32]
"""``float32 (3, H, W)``, RGB in [0, 1]: the form of the model and the attacks."""


class Expansion(NamedTuple):
    """One picture to be classified: its condition, its frame (0 where there are none), and its images by canvas.

    An attack's pictures are pixels, ``float32 (3, H, W)`` in [0, 1], instead of images; a file is ``uint8 (bytes,)``.
    ``facts`` are further columns of its row, the same names for every picture of a benchmark. ``size_px`` is how many
    pixels a picture at its own size has; 0 on a canvas.
    """

    condition: Condition
    frame: int
    images: tuple[Image | Pixels, ...]
    facts: tuple[tuple[str, float], ...] = ()
    size_px: int = 0


class PictureFault(NamedTuple):
    """One picture that cannot be classified, while others of the same item can: its condition, and why in one line."""

    condition: Condition
    reason: str


class Selection(NamedTuple):
    """The conditions of a benchmark.

    Attributes:
        every: of the whole benchmark, in the order of evaluation.
        whole: those without which a result is partial; ``None`` for all.
        requested: those that the options ask for; ``None`` for all.
    """

    every: tuple[Condition, ...]
    whole: tuple[Condition, ...] | None = None
    requested: tuple[Condition, ...] | None = None


class Benchmark(ABC):
    """Base of every benchmark; concrete ones are final frozen dataclasses whose fields are their options.

    A field's ``metadata["help"]`` is its help text on the command line. A field with ``metadata["request"]`` picks
    which rows are wanted but changes none of them, and stays out of the run's key.

    Class attributes:
        name: registered name, also on the command line.
        question: what it answers, in one sentence.
        paper: citation with identifier.
        protocol: name of the published rules that its headline follows.
        second_protocol: name of those by which each run gives the headline's metric once more; empty where none does.
        needs: data sets it can be computed from, best first (names that `DataRoot` knows).
        beside: data sets that it takes, too, those of them that are there.
        card: name of the card in `hardiness.benchmarks` that scores its rows.
        place, group: where the sections of its results stand on a page, and what it is about, one of `GROUPS`; where it
            says nothing those of its card.
        is_own: whether it is asked of a person's own pictures in their own classes.
        needs_imagenet_classes: whether its photographs must be of ImageNet's classes, so that a person's own, which
            stand for ImageNet's elsewhere, do not serve.
        own_substitute: what serves a person's own pictures in its place, where it cannot take them.
        images: how many photographs were published for it; 0 where nobody says.
        clean_twin: the benchmark of the clean photographs that its accuracy is held against, itself where it is one;
            empty for ImageNet's validation set.
        stands_for: the pictures that it stands for on the first screen of a page: ``"clean"``, ``"own classes"``,
            ``"corrupted"`` or ``"attacked"``; empty for none of them.
        precedence: of several that stand for the same pictures the one that is shown, the smallest first.
        display_name: what it is called there; its name where empty.
        sibling: the benchmark whose headline stands beside its own, where that was run too; empty for none.
        line_view: its option ``view`` under which stored pictures are shown as the models of its published line of
            accuracy saw them; empty where these saw them in their own view.
        marks_in_own_view: whether what was published of it is of each model's own view, not of pictures on a canvas.
        warns_of_accuracy: whether a model that is not as right on its data as was published is wrongly set up.
        border_rgb: of the border that a copy of its pictures must keep; empty where it has none.
        canvas: the fixed canvas its images live on, or ``None`` where each model's own view is used.
        shard_items: images per shard at least: the unit of saving and of what a killed run can lose.
        frames: about how many pictures one condition of one item gives. Where that is more than one, `expand` is
            called for each condition on its own, so that memory is bounded by a sequence and not by an item.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    paper: ClassVar[str]
    protocol: ClassVar[str]
    second_protocol: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]]
    beside: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[str]
    place: ClassVar[int | None] = None
    group: ClassVar[str] = ""
    is_own: ClassVar[bool] = False
    stands_for: ClassVar[str] = ""
    precedence: ClassVar[int] = 0
    display_name: ClassVar[str] = ""
    needs_imagenet_classes: ClassVar[bool] = False
    own_substitute: ClassVar[str] = "-b own, on pictures of your classes from another place, time or camera"
    images: ClassVar[int] = 0
    clean_twin: ClassVar[str] = ""
    sibling: ClassVar[str] = ""
    line_view: ClassVar[str] = ""
    marks_in_own_view: ClassVar[bool] = False
    warns_of_accuracy: ClassVar[bool] = False
    border_rgb: ClassVar[tuple[int, ...]] = ()
    canvas: ClassVar[Canvas | None] = None
    shard_items: ClassVar[int] = 256
    frames: ClassVar[int] = 1

    @abstractmethod
    def dataset(self, data: DataRoot) -> DataSet:
        """The items it evaluates.

        Raises:
            DataError: the data are not there; the message says what to do.
        """

    @abstractmethod
    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | PictureFault]:
        """The pictures of one item, for the conditions that are missing; called on worker threads.

        The photograph is read and decoded once, whatever the number of conditions and canvases. With a fixed
        `canvas`, ``canvases`` holds just that one.

        Raises:
            SampleError: the item cannot be read or decoded at all; the message names the file.
        """

    @abstractmethod
    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """The columns kept of finite ``logits (N, K)``: ``prediction``, ``confidence``, ``top5_*`` and its own.

        ``labels (N,)`` may only decide which columns apply to a sample, never a prediction.
        """

    def at_own_size(self) -> Benchmark | None:
        """The benchmark as it shows pictures at their own size, to functions that resize them; ``None``: it does not.

        One that does makes them by `picture_at_own_size`.
        """
        return None

    def picture_at_own_size(self, photograph: Image, condition: Condition, sample: str, seed: int) -> Image:
        """The picture ``uint8 (H, W, 3)`` that is shown under a condition, as large as the photograph; by default that.

        Raises:
            ArgumentError: it cannot be made of a photograph of this size.
        """
        return photograph

    def lacks(self, data: DataRoot) -> Fact | None:
        """The data that are missing for it; ``None`` where it can be evaluated. Nothing is read."""
        if self.needs_imagenet_classes and data.is_replaced_by_own("imagenet"):
            return Fact(DataRemark.LACKS_DATA, {"needs": "classes"})
        if any(data.has(name) for name in self.needs):
            return None
        return Fact(DataRemark.LACKS_DATA, {"sets": tuple(self.needs)})

    def parts(self, data: DataRoot) -> tuple[Benchmark, ...]:
        """The benchmarks whose runs together are its result; by default itself alone.

        Raises:
            DataError: what it needs is not there.
        """
        return (self,)

    def selection(self) -> Selection:
        """The conditions, those without which a result is partial, and those that the options ask for."""
        return Selection((Condition(),))

    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of the whole benchmark, in the order of evaluation."""
        return self.selection().every

    def whole(self) -> tuple[Condition, ...]:
        """The conditions without which a result is partial."""
        selection = self.selection()
        return selection.every if selection.whole is None else selection.whole

    def requested(self) -> tuple[Condition, ...]:
        """The conditions that the options ask for."""
        selection = self.selection()
        return selection.every if selection.requested is None else selection.requested

    @property
    def attack(self) -> AttackPlan | None:
        """The attack that changes the clean pictures before they are judged; by default none.

        With an attack, `expand` is asked for one picture an item, the clean one, whatever conditions are missing.
        """
        return None

    def identity(self) -> dict[str, Any]:
        """The options that change rows, for the run's key."""
        return {
            option.name: getattr(self, option.name)
            for option in fields(self)  # type: ignore[arg-type]  # concrete benchmarks are dataclasses
            if not option.metadata.get("request")
        }
