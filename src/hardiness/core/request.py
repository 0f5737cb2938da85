"""How much is evaluated, where, by which share of the workers, and when it stops."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

from hardiness.core.bounds import MOST_IMAGES, require_within
from hardiness.core.errors import ArgumentError
from hardiness.core.options import option
from hardiness.core.process import usable_cores


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
        """Whether this worker looks after the thing of that number, from 0; each thing has one worker."""
        return number % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True, slots=True)
class StatedPolicy:
    """A policy that was named before rows were computed.

    Attributes:
        name: of its file, without the folder; ``"policy"`` where it was a text.
        sha256: over the bytes of the file, or of the text.
    """

    name: str
    sha256: str


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Seconds of each unit of a duration."""


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
        conditions: how many of the conditions each image is evaluated in, drawn for each; ``None`` for all of them.
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
        policy: a policy's file, or its text, whose digest is kept with the rows; ``None`` for that of
            ``until_decided``, if there is one. It changes no row.
        stated: its name and digest, once it was read.
        share: which part of the work this process begins with, where several share a store.
        data_arguments: what named the data, as ``--data`` takes it in any folder; kept with how rows were computed.
        predictions_file: the path of the file that answers were read from, from whatever folder; kept likewise.
    """

    limit: int | None = option("The first N pictures of a seeded, class-stratified order.", None, metavar="N")
    conditions: int | None = option(
        "Each picture in N random conditions of its own, e.g. 4 of the 75 of imagenet-c.", None, metavar="N"
    )
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
    policy: str | None = option(
        "Keep this policy's digest with the rows: the one proof that it stood before them.", None, metavar="FILE.toml"
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
    predictions_file: str = ""
    stated: StatedPolicy | None = None

    def __post_init__(self) -> None:
        for name in ("calls", "limit", "conditions", "batch_size", "seed"):
            number = getattr(self, name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, Integral)):
                raise ArgumentError(f"{name} must be a whole number, was {number!r}")
        for name in ("calls", "limit", "conditions"):
            if (number := getattr(self, name)) is not None and number < 1:
                raise ArgumentError(f"{name} must be at least 1, was {number}")
        if self.batch_size is not None:
            require_within("batch_size", self.batch_size, 1, MOST_IMAGES)
        if self.conditions is not None and self.early_ends:
            raise ArgumentError(
                f"conditions does not go with {self.early_ends[0]}, which draws conditions itself; leave one out"
            )
        for name in ("precision_target", "time_budget_s"):
            value = getattr(self, name)
            if value is None:
                continue
            if not (value > 0 and math.isfinite(value)):
                raise ArgumentError(f"{_option_name(name)} must be above 0, was {value:g}")

    @property
    def early_ends(self) -> list[str]:
        """The options by which an evaluation ends before everything is evaluated, the policy first."""
        names = ("until_decided", "precision_target", "time_budget_s")
        return [_option_name(name) for name in names if getattr(self, name) is not None]


def _option_name(name: str) -> str:
    return name.removesuffix("_s").replace("_", "-")


@dataclass(frozen=True, slots=True)
class Placement:
    """The device, precision and runtime of models; each field as the option of the same name.

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
    """The early end of a run, by a precision target or by a policy, and the half-width that was aimed at.

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
