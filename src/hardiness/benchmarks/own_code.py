"""Code of a person's own that makes a benchmark's rows, or scores them: runs and kept scores are recognised by it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from hardiness import attacks, distortions, models
from hardiness.benchmarks.card import Card
from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.benchmarks.options import registry
from hardiness.core.benchmark import Benchmark
from hardiness.core.condition import Condition
from hardiness.core.registry import Registry
from hardiness.data.root import LAYOUTS

T = TypeVar("T")

_OF_A_SESSION = ("__main__", "hardiness_user_")
"""Beginnings of the names of modules that a notebook, or a file named as ``py:FILE.py:NAME``, is run as."""

_SHIPS = frozenset(("hardiness", "abc", "builtins", "typing"))
"""Packages of the base classes of what ships."""


@dataclass(frozen=True, slots=True)
class OwnCode:
    """The code of a person's own among what makes the rows of a benchmark.

    Attributes:
        sha256: hexadecimal; empty where all of it ships.
        of_session: what a notebook, or a file that a command names, defines: no other process knows it.
    """

    sha256: str = ""
    of_session: tuple[str, ...] = ()


def benchmark_code(benchmark: Benchmark) -> OwnCode:
    """The hash over what is one's own of a benchmark: class, data sets, distortions, attacks and threat models.

    The source of each counts, as `models.code_sha256` takes it in; what ships has a version of its own in the key.
    """
    things = dict(_own_parts(benchmark))
    texts = [[what, models.code_sha256(thing)] for what, thing in things.items()]
    texts += [["set", text] for text in _own_set(benchmark)]
    digest = hashlib.sha256(json.dumps(sorted(texts)).encode()).hexdigest() if texts else ""
    of_session = tuple(what for what, thing in things.items() if _home(thing).startswith(_OF_A_SESSION))
    return OwnCode(digest, of_session)


def own_conditions(benchmark: Benchmark) -> list[Condition]:
    """The conditions that are asked for whose pictures are made by code of a person's own."""
    if _is_own(type(benchmark)):
        return list(benchmark.requested())
    kinds = {"corruption": distortions.corruptions, "perturbation": distortions.perturbations}
    names = {kind: {name for name, _ in _used(own, _distortions_of(benchmark, kind))} for kind, own in kinds.items()}  # type: ignore[arg-type]
    return [cell for cell in benchmark.requested() if any(cell.get(kind) in names[kind] for kind in kinds)]


def scoring_code(thing: Any) -> str:
    """The hash over code of a person's own that scores rows, e.g. a card; empty where it ships."""
    thing = _with_methods(type(thing)) if isinstance(thing, Card) else thing
    return models.code_sha256(thing) if _is_own(thing) else ""


def _own_parts(benchmark: Benchmark) -> Iterator[tuple[str, partial[None]]]:
    """The parts that are one's own, each with its kind and name."""
    kind = type(benchmark)
    if _is_own(kind):
        yield f"benchmark {benchmark.name}", _with_methods(kind)
    for name in benchmark.needs:  # one's own gives its labels and fingerprint, too, by its own code
        layout = LAYOUTS.find(name)
        if layout is not None and not LAYOUTS.ships(name):
            yield f"data set {name}", _together(layout.read)
    for name, corruption in _used(distortions.corruptions, _distortions_of(benchmark, "corruption")):
        yield f"corruption {name}", _together(corruption.apply, corruption.draw, corruption.levels)
    for name, perturbation in _used(distortions.perturbations, _distortions_of(benchmark, "perturbation")):
        yield f"perturbation {name}", _together(perturbation.apply, perturbation.draw, perturbation.levels)
    rounds = benchmark.attack.rounds if benchmark.attack else ()
    for name, attack in _used(attacks.registry, {tried.attack for tried in rounds}):
        yield f"attack {name}", _with_methods(attack)
    for name, threat in _used(attacks.threat_models, {tried.norm for tried in rounds}):
        yield f"threat model {name}", _with_methods(threat)


def _used(registered: Registry[T], names: set[str]) -> list[tuple[str, T]]:
    """The entries of these names that are one's own; a benchmark looked up, and so loaded, them when it was made."""
    return [
        (name, entry) for name, entry in sorted(registered.own().items(), key=lambda item: item[0]) if name in names
    ]


def _distortions_of(benchmark: Benchmark, kind: str) -> set[str]:
    """The names of the corruptions or perturbations of its conditions, and of the one that its option names."""
    option = getattr(benchmark, kind, "")
    named = {option} if option and isinstance(option, str) else set()
    return named | {str(cell[kind]) for cell in benchmark.conditions() if kind in cell}


def _own_set(benchmark: Benchmark) -> Iterator[str]:
    """The part of a set's data file that changes pictures and stands in no option, where the set is one's own."""
    if isinstance(benchmark, CorruptionSet) and not registry.ships(benchmark.name):
        yield f"{benchmark.members.jpeg_quality} {sorted(benchmark.members.stored_only)}"


def _together(*parts: Any) -> partial[None]:
    """One thing of several, each of which may be code or a value."""
    return partial(_no_code, *parts)


def _no_code(*parts: Any) -> None:
    """Holds parts together."""


def _with_methods(kind: Any) -> partial[None]:
    """A class with what its own bases define, all of which the engine may call; a function alone."""
    bases = [base for base in getattr(kind, "__mro__", ()) if _is_own(base)]
    return _together(kind, *(member for base in bases for member in vars(base).values() if callable(member)))


def _is_own(thing: Any) -> bool:
    """Whether a class, or a function, is not all of this package's."""
    if isinstance(thing, partial):
        return any(map(_is_own, filter(callable, (thing.func, *thing.args))))
    bases = thing.__mro__ if isinstance(thing, type) else (thing,)
    return any(str(getattr(base, "__module__", "")).partition(".")[0] not in _SHIPS for base in bases)


def _home(thing: partial[None]) -> str:
    """The module that the first of several parts is of."""
    return str(getattr(thing.args[0], "__module__", ""))
