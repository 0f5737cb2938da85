"""What is evaluated, typed: everything that changes a run's rows, with one canonical JSON form and one key."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Protocol, Self

from hardiness.core.errors import MOST_IMAGES, ArgumentError, require_within
from hardiness.core.forms import FormError, fields_form, from_fields
from hardiness.core.model import View
from hardiness.core.options import option
from hardiness.core.process import usable_cores


class Condition(Mapping[str, Any]):
    """An immutable, hashable mapping under any keys; ``Condition()`` is that of plain benchmarks.

    Keys stay in the order in which they were given, which makes no difference to equality. How they are called and in
    which order they are shown is said by the card that scores them.
    """

    __slots__ = ("_hash", "_values")

    def __init__(self, **values: str | int | float) -> None:
        self._values = values
        self._hash = hash(frozenset(values.items()))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return dict(self._values)

    @classmethod
    def from_dict(cls, form: Any) -> Condition:
        """The condition that `as_dict` gave."""
        if not isinstance(form, Mapping) or not {*map(type, form.values())} <= _OF_CONDITIONS:
            raise FormError(f"must be an object of texts and numbers, and is {form!r:.60}")
        return cls(**form)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self._values == other._values

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Condition], tuple[dict[str, Any]]]:
        """Hashes of texts differ from process to process, so that another one makes its own."""
        return _condition, (self._values,)

    def __repr__(self) -> str:
        return f"Condition({', '.join(f'{key}={value!r}' for key, value in self._values.items())})"

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self._values.items())


_OF_CONDITIONS = {str, int, float, bool}


def _condition(values: dict[str, Any]) -> Condition:
    return Condition(**values)


Norm = str
"""Name of a threat model, which says what an epsilon bounds: ``"linf"``, ``"l2"`` and others in `attacks.threats`."""


@dataclass(frozen=True, slots=True)
class Round:
    """One attack at one epsilon, judged at one or more numbers of steps.

    Attributes:
        attack: registered name in `hardiness.attacks`.
        norm: distance that epsilon bounds.
        epsilon: budget, in units of the [0, 1] range.
        marks: the condition for each number of steps at which the outcome is recorded; the last is how far it runs.
        restarts: how often it begins anew, on the samples that could still fall earlier.
        targeted: whether it must reach a seeded target class, or any class but the label.
        failed: what is judged of an image whose attack has failed: ``"clean"`` or the ``"last"`` iterate.
        options: further options of the attack.
    """

    attack: str
    norm: Norm
    epsilon: float
    marks: Mapping[int, Condition]
    restarts: int = 1
    targeted: bool = False
    failed: Literal["clean", "last"] = "last"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """How many steps it takes at most."""
        return max(self.marks)


@dataclass(frozen=True, slots=True)
class CrossChecks:
    """The cross-checks of one round, which show whether the attack or the model is to be believed.

    Attributes:
        round: which of the plan's rounds; its last mark is looked at.
        queries: of Square, an attack without gradients, on each image that stands; 0 for none.
        draws: of random noise within the same budget.
    """

    round: int
    queries: int = 200
    draws: int = 10


@dataclass(frozen=True, slots=True)
class AttackPlan:
    """All rounds of a benchmark.

    Attributes:
        rounds: in the order of evaluation.
        surrogate: the model that is attacked in place of the evaluated ones, or several joined by ``+``; ``None`` where
            each is attacked itself.
        checks: what is tried beside one of the rounds; ``None`` for nothing.
        bpda: ``MODULE`` or ``MODULE=FILE.py:FUNCTION``: the module whose backward pass is given, else empty.
        keep: whether pictures made on the surrogate are kept for models that are added later.
    """

    rounds: tuple[Round, ...]
    surrogate: str | None = None
    checks: CrossChecks | None = None
    bpda: str = ""
    keep: bool = True


def usual_epsilon(targeted: bool) -> float:
    """The budget that results are usually compared at: Orhan's sweep over steps, or the leaderboards'."""
    return 0.06 if targeted else 4 / 255


def epsilon_text(epsilon: float) -> str:
    """A budget as people write it: ``4/255`` where it is a multiple of half a level, else ``0.06``.

    ``0.02/255`` where that is shorter than the number itself.
    """
    halves = 2 * 255 * epsilon
    hundredths = 100 * epsilon
    if abs(hundredths - round(hundredths)) > 1e-6 and abs(halves - round(halves)) < 1e-6:
        return f"{round(halves) / 2:g}/255"
    levels, plain = f"{255 * epsilon:.3g}", f"{epsilon:g}"
    is_exact = abs(float(levels) - 255 * epsilon) <= 1e-6 * abs(255 * epsilon)
    return f"{levels}/255" if is_exact and len(levels) + len("/255") < len(plain) else plain


def spelled(value: Any, between: str = "+") -> str:
    """The value of an option as a command line has it: several are joined, true and false are in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    return between.join(map(spelled, value)) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True, slots=True)
class Share:
    """Which of several workers this process is: number ``index``, from 0, of ``count``."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ArgumentError(
                f"worker must be i/n with i from 0 to n - 1, was {self.index}/{self.count}; "
                f"the last of {max(self.count, 1)} is {max(self.count - 1, 0)}/{max(self.count, 1)}"
            )

    @classmethod
    def parse(cls, text: str) -> Share:
        """The share that ``"i/n"`` names.

        Raises:
            ArgumentError: it does not read so, or i is not from 0 to n - 1.
        """
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal()):
            raise ArgumentError(f"worker must be i/n, as in 0/4, was {text!r}")
        return cls(int(index), int(count))

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Share | None:
        """The share that ``torchrun`` and its kin give by ``RANK`` and ``WORLD_SIZE``; ``None`` outside of them."""
        rank, size = environment.get("RANK", ""), environment.get("WORLD_SIZE", "")
        return cls(int(rank), int(size)) if rank.isdecimal() and size.isdecimal() and int(size) > 1 else None

    def owns(self, number: int) -> bool:
        """Whether this one of the workers looks after the thing of that number, from 0; each thing has one."""
        return number % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> float:
    """Seconds of ``"90s"``, ``"30m"``, ``"2h"`` or ``"1h30m"``.

    Raises:
        ArgumentError: it does not read so.
    """
    seconds, number = 0.0, ""
    for character in text.strip().lower():
        if character in "0123456789.":
            number += character
        elif character in _SECONDS and number.count(".") < 2 and number.strip("."):
            seconds, number = seconds + float(number) * _SECONDS[character], ""
        else:
            number = "?"
            break
    if number or not text.strip():
        raise ArgumentError(f"time-budget must be a time as in 90s, 30m or 1h30m, was {text!r}")
    return seconds


@dataclass(frozen=True, slots=True)
class Request:
    """How much to evaluate, and how.

    Attributes:
        limit: the first so many samples of the seeded, class-stratified order; ``None`` for all.
        seed: keys that order and every draw.
        batch_size: images per forward pass; ``None`` to choose it. A run that is continued keeps its own.
        save_images: whether the pictures that attacks made are kept as PNG files beside the records.
        workers: decoding threads; by default one a core.
        calls: requests that the command's chat models may make together, retries included; ``None`` where nothing
            bounds them, which goes for 1,000 questions at most.
        precision_target: half-width of the headline's 95 % interval, in its own unit, at which a benchmark is exact
            enough and its evaluation ends; ``None`` to evaluate everything asked for.
        time_budget_s: seconds within which the evaluation ends; ``None`` for as long as it takes.
        until_decided: a policy's file, or its text: a benchmark's evaluation ends when every rule on it is decided;
            ``None`` where no policy ends it.
        share: which part of the work this process begins with, where several share a store.
        data_arguments: what named the data, as ``--data`` takes it in any folder; kept with how rows were computed.
    """

    limit: int | None = option("The first N pictures of a seeded, class-stratified order.", None, metavar="N")
    seed: int = option("Keys every draw.", 0)
    precision_target: float | None = option(
        "Stop when every headline's 95 % interval is its value ± this, e.g. 0.005 for half a point.",
        None,
        metavar="HALFWIDTH",
    )
    until_decided: str | None = option(
        "Stop when every rule of this policy is decided, with the verdicts that 'hardiness gate' then gives.",
        None,
        metavar="FILE.toml",
    )
    time_budget_s: float | None = option(
        "End within this time, e.g. 30m; the same command continues. Time goes where it narrows an interval most, "
        "reckoned from numbers of images and cells, not from answers.",
        None,
        name="--time-budget",
        metavar="TIME",
        read=parse_duration,
    )
    share: Share | None = option(
        "Begin with part i (from 0) of n, then do what others left; they share only --out.",
        None,
        name="--worker",
        metavar="i/n",
        read=Share.parse,
    )
    calls: int | None = option(
        "Stop at N requests to chat models, retries included; rows stay. More than 1,000 questions need it.",
        None,
        metavar="N",
    )
    batch_size: int | None = option("Images per forward pass; chosen if not given.", None, metavar="B")
    save_images: bool = option("Keep the pictures that attacks make, as PNG files in OUT/images.", False)
    workers: int = usable_cores()
    data_arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.calls is not None and self.calls < 1:
            raise ArgumentError(f"calls must be at least 1, was {self.calls}")
        if self.limit is not None and self.limit < 1:
            raise ArgumentError(f"limit must be at least 1, was {self.limit}")
        if self.batch_size is not None:
            require_within("batch_size", self.batch_size, 1, MOST_IMAGES)
        for name in ("precision_target", "time_budget_s"):
            value = getattr(self, name)
            if value is None:
                continue
            if not (value > 0 and math.isfinite(value)):
                raise ArgumentError(f"{_option(name)} must be above 0, was {value:g}")
        ends = [name for name in ("until_decided", "precision_target", "time_budget_s") if getattr(self, name)]
        if self.until_decided is not None and len(ends) > 1:
            other = _option(ends[1])
            raise ArgumentError(
                f"until-decided does not go with {other}: each ends a run in its own way; leave one out"
            )
        if self.share and ends:
            option = _option(ends[0])
            raise ArgumentError(
                f"{option} does not go with worker: who shares a store cannot see how far the others are; "
                f"leave out --worker, or --{option}"
            )


def _option(name: str) -> str:
    return name.removesuffix("_s").replace("_", "-")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how precisely models are computed; each field as the option of the same name.

    Attributes:
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``fp32``; ``bf16`` and ``fp16`` (GPU only) are faster and less exact.
        runtime: ``auto``, ``torch`` or ``openvino``.
    """

    device: str = option("Where models run.", "auto", metavar="auto|cpu|cuda")
    precision: str = option("Arithmetic; below fp32 only on request.", "fp32", metavar="fp32|bf16|fp16")
    runtime: str = option(
        "What runs models; 'hardiness list runtimes' lists more.", "auto", metavar="auto|torch|openvino"
    )


@dataclass(frozen=True, slots=True)
class Stop:
    """Why, and at what half-width, a run was stopped early: by a precision target or by a policy.

    Attributes:
        precision_target: the half-width that was aimed at, in the headline's unit; ``None`` with a policy.
        rows: image-cells that the run held; where it holds others by now, it is no longer at this stop.
        companions: keys of the runs whose answers were used as companions.
        policy: the file of the policy; empty with a precision target.
    """

    precision_target: float | None
    rows: int
    companions: tuple[str, ...] = ()
    policy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: of what ended it alone."""
        form = fields_form(self)
        policy = form.pop("policy")
        return {"policy": policy, "rows": self.rows} if policy else form

    @classmethod
    def from_dict(cls, form: Any) -> Stop:
        """The stop that `as_dict` gave."""
        is_policys = isinstance(form, Mapping) and "policy" in form
        return from_fields(cls, {"precision_target": None, **form} if is_policys else form)


WINDOW_S = 2.0
STEADY = 1.3
LONG_S = 60.0


class Listener(Protocol):
    """Receives the progress of a benchmark; counts are image-conditions summed over models."""

    def download(self, model: str, done: int, total: int | None) -> None:
        """While weights are downloaded: bytes so far, and bytes in all (``None`` where that is not known)."""

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """A benchmark begins, or goes on in another round: image-conditions in all, and those that are stored."""

    def advance(self, rows: int) -> None:
        """This many more image-conditions are finished."""

    def estimate(self, seconds: float) -> None:
        """About how many seconds are left; called once, and only where that is over a minute."""

    def stage(self, text: str) -> None:
        """What was last done of rows that are not finished, in a few words; the next takes its place."""

    def note(self, line: str) -> None:
        """What a person should know while it runs, in one line."""

    def end(self) -> None:
        """The benchmark is finished."""


class Silence:
    """A listener that shows nothing."""

    def note(self, *given: object, **more: object) -> None:
        """Do nothing."""

    download = begin = advance = estimate = stage = end = note


class Clock:
    """Measures how long a session takes, and estimates once how much longer it will take.

    The first ``warmup`` batches (one a model) are left out, and nothing is said before two windows of two seconds have
    gone equally fast: models and kernels are compiled when they are first used.
    """

    def __init__(self, warmup: int) -> None:
        self.started = datetime.now(UTC)
        self._begin = time.perf_counter()
        self._warmup = warmup
        self._window = (0.0, 0)
        self._rate = 0.0
        self._told = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the session began."""
        return time.perf_counter() - self._begin

    def estimate(self, rows: int, remaining: int) -> float | None:
        """Seconds that ``remaining`` rows will take, given once, when the rate is steady and the run is long."""
        now, (since, done) = self.elapsed_s, self._window
        if self._warmup:
            self._warmup -= 1
            self._window = (now, 0)
            return None
        if self._told or now - since < WINDOW_S:
            self._window = (since, done + rows)
            return None
        rate, before = (done + rows) / (now - since), self._rate
        self._window, self._rate = (now, 0), rate
        if not before or not rate or max(rate / before, before / rate) > STEADY:
            return None
        self._told = True
        seconds = remaining / rate
        return seconds if seconds > LONG_S else None


ANSWERS = "answers"
"""What `ModelIdentity.outputs` says of a chat model, which answers closed questions."""

CHAT_MARK = "†"
"""After the name of a chat model in tables and figures, and before the note that says what it means."""

CHAT_NOTE = f"{CHAT_MARK} a chat model, which cannot be reproduced from weights"


def mark_notes(names: Iterable[str]) -> tuple[str, ...]:
    """The footnotes of a table that explain the mark of chat models; none where no name bears it."""
    return (CHAT_NOTE,) if any(CHAT_MARK in name for name in names) else ()


OUTCOMES = ("answered", "no answer", "refused", "filtered")
"""What can come of a question, by its number in rows: an option; words that name none; a refusal; the provider's filter
in place of an answer."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model made the rows.

    Attributes:
        name: as a person wrote it, or gave it.
        weights_sha256: over the names, types, shapes and bytes of all tensors.
        view: preprocessing of its weights.
        options: further arguments of its builder.
        outputs_sha256: over which output means which class; empty where outputs are the classes in their usual order.
        code_sha256: over the source text that computes, or a tag that the caller gives; empty where a package's name
            and weights say it all.
        outputs: ``"probabilities"``, ``"classes"`` or ``"answers"`` where it gives no logits; empty where it does.
    """

    name: str = ""
    weights_sha256: str = ""
    view: View = View()
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs_sha256: str = ""
    code_sha256: str = ""
    outputs: str = ""

    @property
    def is_chat(self) -> bool:
        """Whether it is a chat model, which answered questions."""
        return self.outputs == ANSWERS

    @property
    def is_foreign(self) -> bool:
        """Whether its answers were read from a file: nobody said by which view, or in which order it has classes."""
        return "predictions" in self.options

    @property
    def mark(self) -> str:
        """The mark behind its name wherever models are listed: ``" †"`` of a chat model, else nothing."""
        return f" {CHAT_MARK}" if self.is_chat else ""


@dataclass(frozen=True, slots=True)
class InputIdentity:
    """How pictures reach the model: on the ``"fixed"`` canvas or by its own ``"view"``, and fed at which size."""

    canvas: str = "view"
    fed: str = ""


@dataclass(frozen=True, slots=True)
class BenchmarkIdentity:
    """Which benchmark the rows are of.

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


IMAGENET_CLASSES = 1000
"""Classes of ILSVRC 2012, in whose order a model of ImageNet answers."""


@dataclass(frozen=True, slots=True)
class DataIdentity:
    """Which data set the rows are of.

    Attributes:
        name: what results carry.
        fingerprint: changes whenever the data do.
        samples: how many items it has.
        num_classes: how many classes its labels index into.
        categories: the classes of each category, where answers are judged by categories.
        classes: the names of one's own classes in the order of the model's outputs; empty where they are ImageNet's, or
            have no names.

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
        """Whether they are of one's own classes or categories, in the place of a published set."""
        return self.name.startswith(self.OWN)

    @property
    def is_embedded(self) -> bool:
        """Whether they are the photographs that come with the package."""
        return self.name == self.EMBEDDED

    @property
    def has_imagenets_classes(self) -> bool:
        """Whether its labels are ImageNet's 1,000 classes, or categories of these, and not as many of one's own."""
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
    """What stays as it was when a run is continued, and changes no row.

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
        versions: of each thing of ours that rows depend on, e.g. ``{"rows": 2, "kernels": 1}``.
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
    def has_own_classes(self) -> bool:
        """Whether its labels are a person's own classes, seen clean or under corruptions."""
        known = all(set(cell) <= {"corruption", "severity"} for cell in self.conditions)
        return bool(self.data.classes) and known and not self.data.categories and not self.attack

    @property
    def key(self) -> str:
        """16 hexadecimal digits that change whenever anything that changes rows does."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]

    def canonical(self) -> str:
        """The one JSON text of this run: equal runs give equal texts."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, as ``run.json`` and ``results.json`` hold it: `FLAT`, and what came later."""
        form = fields_form(self)
        flat = {}
        for name, place in FLAT.items():
            part, _, field = place.partition(".")
            flat[name] = form[part].pop(field) if field else form.pop(part)
        later = {f"{part}_{field}": each for part in PARTS for field, each in form.pop(part).items()}
        return {**flat, **later, **form}

    @classmethod
    def from_dict(cls, form: Any) -> Self:
        """The run that `as_dict` gave.

        Raises:
            FormError: a field is missing, unknown or of another form.
        """
        if not isinstance(form, Mapping):
            raise FormError(f"must hold an object, and holds {type(form).__name__}")
        nested: dict[str, Any] = {part: {} for part in PARTS}
        for name, each in form.items():
            part, _, field = _place(name).partition(".")
            (nested[part] if field else nested)[field or part] = each
        try:
            return from_fields(cls, nested)
        except FormError as error:
            part, *rest = error.field.split(".")
            if part not in PARTS or not rest:
                raise
            names = {place: name for name, place in FLAT.items()}
            first = names.get(f"{part}.{rest[0]}", f"{part}_{rest[0]}")
            raise FormError(error.text, ".".join([first, *rest[1:]])) from None


PARTS = ("model", "benchmark")
"""Whose fields stand among those of the run; later ones at the end, behind the name of the part."""

FLAT: Mapping[str, str] = {
    "model": "model.name",
    "model_options": "model.options",
    "weights_sha256": "model.weights_sha256",
    "outputs_sha256": "model.outputs_sha256",
    "code_sha256": "model.code_sha256",
    "view": "model.view",
    "input": "input",
    "benchmark": "benchmark.name",
    "options": "benchmark.options",
    "protocol": "benchmark.protocol",
    "card": "benchmark.card",
    "columns": "benchmark.columns",
    **{name: name for name in ("conditions", "seed", "data", "precision", "attack", "surrogate", "versions")},
}
"""The field of a `Run`, or of one of its parts, behind each field that every ``run.json`` has."""


def _place(name: str) -> str:
    """The same of any field that a ``run.json`` may have."""
    part, _, field = name.partition("_")
    return FLAT.get(name) or (f"{part}.{field}" if part in PARTS and field else name)
