"""Runs: everything that changes their rows, typed, with one canonical JSON form and one key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from hardiness.core.answers import ANSWERS, CHAT_MARK, SCORES
from hardiness.core.attack_plan import Round
from hardiness.core.condition import Condition
from hardiness.core.forms import json_form
from hardiness.core.model import IMAGENET_CLASSES, View

WHOLE = "whole"
"""How pictures reach a function that takes the file, or the picture at its own size."""


def spelled(value: Any, between: str = "+") -> str:
    """The value of an option as a command line has it: several are joined, true and false are in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    return between.join(map(spelled, value)) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The identity of the model that made the rows.

    Attributes:
        name: as a person wrote it, or gave it.
        weights_sha256: over the names, types, shapes and bytes of all tensors.
        view: preprocessing of its weights.
        options: further arguments of its builder.
        outputs_sha256: over which output means which class; empty where outputs are the classes in their usual order.
        code_sha256: over the source text that computes, or a tag that the caller gives; empty where a package's name
            and weights say it all.
        outputs: ``"probabilities"``, ``"classes"``, ``"answers"`` or ``"scores"`` where it gives no logits; empty where
            it does.
        classes: the names of its classes in the order of its outputs, by which its answers are stored; empty where
            they are ImageNet's, or have no names.
    """

    name: str = ""
    weights_sha256: str = ""
    view: View = View()
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs_sha256: str = ""
    code_sha256: str = ""
    outputs: str = ""
    classes: tuple[str, ...] = ()

    @property
    def is_chat(self) -> bool:
        """Whether the model is a chat model, which answered questions."""
        return self.outputs == ANSWERS

    @property
    def has_answers(self) -> bool:
        """Whether its rows have an answer to each picture, and not a score that somebody gave it."""
        return self.outputs != SCORES

    @property
    def is_foreign(self) -> bool:
        """Whether the answers were read from a file: nobody said by which view, or in which order of classes."""
        return "predictions" in self.options

    @property
    def mark(self) -> str:
        """The mark behind its name wherever models are listed: ``" †"`` of a chat model, else nothing."""
        return f" {CHAT_MARK}" if self.is_chat else ""


@dataclass(frozen=True, slots=True)
class InputIdentity:
    """How pictures reach the model: on the ``"fixed"`` canvas, by its own ``"view"`` or ``"whole"``, and fed how."""

    canvas: str = "view"
    fed: str = ""


@dataclass(frozen=True, slots=True)
class BenchmarkIdentity:
    """The identity of the benchmark that the rows are of.

    Attributes:
        name: registered name.
        card: name of the card that scores its rows.
        protocol: name of the published rules.
        options: those that change rows.
        columns: names of what its decision rule keeps of the logits.
        code_sha256: over code of a person's own that makes its rows: its class, distortions and attacks; empty where
            all of it ships.
    """

    name: str = ""
    card: str = ""
    protocol: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    code_sha256: str = ""


@dataclass(frozen=True, slots=True)
class DataIdentity:
    """The identity of the data set that the rows are of.

    Attributes:
        name: what results carry.
        fingerprint: changes whenever the data do.
        samples: how many items it has.
        num_classes: how many classes its labels index into.
        categories: the classes of each category, where answers are judged by categories.
        classes: the names of one's own classes in the order of the labels, in which the stored answers of every model
            are read; empty where they are ImageNet's, or have no names.

    Class attributes:
        OWN: what the name of one's own data begins with, where they took the place of a published set.
        EMBEDDED: the name of the photographs that come with the package, of which nothing was published.
    """

    OWN: ClassVar[str] = "own-"
    EMBEDDED: ClassVar[str] = "embedded"

    name: str = ""
    fingerprint: str = ""
    samples: int = 0
    num_classes: int = IMAGENET_CLASSES
    categories: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the data are of one's own classes or categories, in the place of a published set."""
        return self.name.startswith(self.OWN)

    @property
    def is_embedded(self) -> bool:
        """Whether the data are the photographs that come with the package."""
        return self.name == self.EMBEDDED

    @property
    def has_imagenets_classes(self) -> bool:
        """Whether the labels are ImageNet's 1,000 classes, or categories of these, and not as many of one's own."""
        is_published = self.num_classes == IMAGENET_CLASSES or bool(self.categories)
        return is_published and not self.classes and not self.is_own


@dataclass(frozen=True, slots=True)
class Surrogate:
    """The model that was attacked in place of the evaluated one; hashes as in `ModelIdentity`."""

    model: str
    weights_sha256: str
    outputs_sha256: str = ""
    code_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings that stay as they were when a run is continued, and change no row.

    Attributes:
        batch_size: images per forward pass.
        location: where the data were found, for people.
        released: how many items the published set has, where this one may have fewer; else ``None``.
        unit_items: images per unit: what is stored at once, and what a killed run can lose.
        whole: indices of the conditions without which a result is partial.
    """

    batch_size: int = 1
    location: str = ""
    released: int | None = None
    unit_items: int = 1
    whole: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One model on one benchmark: everything that changes its rows, and nothing that does not.

    Attributes:
        model, input, benchmark, data: what met what.
        conditions: every condition of the whole benchmark; rows name theirs by its index.
        seed: keys every draw.
        precision: arithmetic of the forward pass, e.g. ``"fp32"``.
        attack: the rounds of an attack, in order; empty where there is none.
        surrogate: the model attacked in its place, or ``None``.
        versions: of each thing of ours that rows depend on, e.g. ``{"rows": 2, "kernels": 1}``, and the `ordinal`.
    """

    model: ModelIdentity = field(default_factory=ModelIdentity)
    benchmark: BenchmarkIdentity = field(default_factory=BenchmarkIdentity)
    data: DataIdentity = field(default_factory=DataIdentity)
    input: InputIdentity = field(default_factory=InputIdentity)
    conditions: tuple[Condition, ...] = (Condition(),)
    seed: int = 0
    precision: str = "fp32"
    attack: tuple[Round, ...] = ()
    surrogate: Surrogate | None = None
    versions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ordinal(self) -> int:
        """How often code of a person's own was found to give other outputs though all else is equal.

        Of runs that differ by it alone the last is the model's, and the others are of earlier code.
        """
        return int(self.versions.get("code", 0))

    def with_ordinal(self, ordinal: int) -> Run:
        """The run with another ordinal, of which 0 leaves nothing in its key."""
        others = {name: version for name, version in self.versions.items() if name != "code"}
        return replace(self, versions={**others, **({"code": ordinal} if ordinal else {})})

    @property
    def has_own_classes(self) -> bool:
        """Whether the labels are a person's own classes, seen clean or under corruptions."""
        is_clean_or_corrupt = all(set(cell) <= {"corruption", "severity", "level"} for cell in self.conditions)
        return self.has_own_labels and is_clean_or_corrupt and not self.attack

    @property
    def has_own_labels(self) -> bool:
        """Whether the labels are a person's own classes, whatever was done to the pictures."""
        return bool(self.data.classes) and not self.data.categories

    @property
    def class_of_output(self) -> tuple[int, ...]:
        """The class of each output, by its place in `DataIdentity.classes`; empty where it is that of the output."""
        if not self.data.classes or self.model.classes == self.data.classes:
            return ()
        places = {name: place for place, name in enumerate(self.data.classes)}
        return tuple(places[name] for name in self.model.classes)

    def why_other_classes(self, other: Run) -> str:
        """The reason why answers of this run and of another cannot be matched by class; empty where they can."""
        if self.data.classes != other.data.classes:
            return "their data have other classes"
        if not self.data.classes and self.model.classes != other.model.classes:
            return "their outputs have other names, or another order of them, and the data name no classes"
        return ""

    @property
    def shows_whole_pictures(self) -> bool:
        """Whether the model was given files or pictures at their own size, and resized them itself: it has no view."""
        return self.input.canvas == WHOLE

    @property
    def key(self) -> str:
        """16 hexadecimal digits that change whenever anything that changes rows does."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]

    def canonical(self) -> str:
        """The one JSON text of this run: equal runs give equal texts."""
        return json.dumps(json_form(self), sort_keys=True, separators=(",", ":"), allow_nan=False)
