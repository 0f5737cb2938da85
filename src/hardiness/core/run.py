"""What a stored run is of: everything that changes its rows, typed, with one canonical JSON form and one key.

A field that is added to one of these classes needs a default, and nothing else: see `hardiness.core.later`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hardiness.core.attack import Round
from hardiness.core.condition import Condition
from hardiness.core.errors import StoreError
from hardiness.core.later import json_form, later_fields, later_part, plain, read_later
from hardiness.core.view import View


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
    """

    name: str = ""
    weights_sha256: str = ""
    view: View = View()
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs_sha256: str = ""
    code_sha256: str = ""


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
    """

    name: str = ""
    card: str = ""
    protocol: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataIdentity:
    """Which data set the rows are of.

    Attributes:
        name: what results carry.
        fingerprint: changes whenever the data do.
        samples: how many items it has.
        num_classes: how many classes its labels index into.
        categories: the classes of each category, where answers are judged by categories.
    """

    name: str = ""
    fingerprint: str = ""
    samples: int = 0
    num_classes: int = 1000
    categories: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


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

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return json_form(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], where: str) -> Plan:
        """The plan that `as_dict` gave.

        Raises:
            StoreError: a field is missing or unknown; the message names it and ``where``.
        """
        _check_fields(found, Plan().as_dict(), {each.name for each in later_fields(cls)}, where)
        return cls(**{**found, "whole": tuple(found["whole"])} | read_later(cls, found))


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
    def key(self) -> str:
        """16 hexadecimal digits that change whenever anything that changes rows does."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]

    def canonical(self) -> str:
        """The one JSON text of this run: equal runs give equal texts."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, as ``run.json`` and ``results.json`` hold it."""
        return {
            "model": self.model.name,
            "model_options": plain(self.model.options),
            "weights_sha256": self.model.weights_sha256,
            "outputs_sha256": self.model.outputs_sha256,
            "code_sha256": self.model.code_sha256,
            "view": self.model.view.as_dict(),
            "input": json_form(self.input),
            "benchmark": self.benchmark.name,
            "options": plain(self.benchmark.options),
            "protocol": self.benchmark.protocol,
            "card": self.benchmark.card,
            "columns": list(self.benchmark.columns),
            "conditions": [dict(condition) for condition in self.conditions],
            "seed": self.seed,
            "data": {
                "name": self.data.name,
                "fingerprint": self.data.fingerprint,
                "samples": self.data.samples,
                "num_classes": self.data.num_classes,
                "categories": {name: list(classes) for name, classes in self.data.categories.items()},
                **later_part(self.data),
            },
            "precision": self.precision,
            "attack": [each.as_dict() for each in self.attack],
            "surrogate": json_form(self.surrogate) if self.surrogate else None,
            "versions": plain(self.versions),
            **later_part(self.model, MODEL),
            **later_part(self.benchmark, BENCHMARK),
            **later_part(self),
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], where: str = "run.json") -> Run:
        """The run that `as_dict` gave.

        Raises:
            StoreError: a field is missing, unknown or cannot be read; the message names it and ``where``.
        """
        _check_fields(found, cls().as_dict(), set(cls._later_names()), where)
        try:
            return cls._read(found)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise StoreError(
                f"{where} holds a field of another form than it must ({error}); restore the file"
            ) from None

    @classmethod
    def _later_names(cls) -> Iterator[str]:
        """Names that a ``run.json`` may have or lack."""
        for kind, prefix in ((cls, ""), (ModelIdentity, MODEL), (BenchmarkIdentity, BENCHMARK)):
            yield from (f"{prefix}{field.name}" for field in later_fields(kind))

    @classmethod
    def _read(cls, found: Mapping[str, Any]) -> Run:
        data = found["data"]
        surrogate = found["surrogate"]
        return cls(
            model=ModelIdentity(
                name=found["model"],
                weights_sha256=found["weights_sha256"],
                view=View.from_dict(found["view"]),
                options=found["model_options"],
                outputs_sha256=found["outputs_sha256"],
                code_sha256=found["code_sha256"],
                **read_later(ModelIdentity, found, MODEL),
            ),
            benchmark=BenchmarkIdentity(
                name=found["benchmark"],
                card=found["card"],
                protocol=found["protocol"],
                options=found["options"],
                columns=tuple(found["columns"]),
                **read_later(BenchmarkIdentity, found, BENCHMARK),
            ),
            data=DataIdentity(
                name=data["name"],
                fingerprint=data["fingerprint"],
                samples=int(data["samples"]),
                num_classes=int(data["num_classes"]),
                categories={name: tuple(classes) for name, classes in data["categories"].items()},
                **read_later(DataIdentity, data),
            ),
            input=InputIdentity(**found["input"] | read_later(InputIdentity, found["input"])),
            conditions=tuple(Condition(**condition) for condition in found["conditions"]),
            seed=found["seed"],
            precision=found["precision"],
            attack=tuple(Round.from_dict(each) for each in found["attack"]),
            surrogate=Surrogate(**surrogate | read_later(Surrogate, surrogate)) if surrogate else None,
            versions=found["versions"],
            **read_later(cls, found),
        )


MODEL, BENCHMARK = "model_", "benchmark_"
"""What the names of later fields of those two begin with, whose first fields stand among those of the run."""


def _check_fields(found: Mapping[str, Any], known: Mapping[str, Any], later: set[str], where: str) -> None:
    if not isinstance(found, Mapping):
        raise StoreError(f"{where} must hold an object, and holds {type(found).__name__}; restore the file")
    missing, unknown = sorted(set(known) - set(found)), sorted(set(found) - set(known) - later)
    if missing:
        raise StoreError(f"{where} must have the field {missing[0]!r}, and has none; restore the file")
    if unknown:
        raise StoreError(
            f"{where} has the field {unknown[0]!r}, which this version does not know; use the version that wrote it"
        )
