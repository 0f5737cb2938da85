"""Runs of the former format: read as they are, never continued, never mistaken for runs of this version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hardiness.core import Plan, Run, StoreError

GREW = "builder options, the order of classes, the code of one's own models, decision columns and versions of attacks"
"""What the key covers now and did not then."""


def is_former(found: Mapping[str, Any]) -> bool:
    """Whether ``run.json`` was written before runs were typed."""
    return "scorer" in found and "card" not in found


def former_run(found: Mapping[str, Any], where: str) -> tuple[Run, Plan]:
    """The run and its plan; what was not recorded then is empty now, so its key is none of this version's.

    Raises:
        StoreError: it lacks a field that it always had.
    """
    try:
        kernels = found["options"].get("kernels")
        run = Run.from_dict(
            {
                **{key: value for key, value in found.items() if key in Run().as_dict()},
                "card": found["scorer"],
                "columns": [],
                "model_options": {},
                "outputs_sha256": "",
                "code_sha256": "",
                "data": {"categories": {}, **found["data"]},
                "attack": found.get("attack", []),
                "surrogate": found.get("surrogate"),
                "versions": {
                    "rows": found["rows_version"],
                    "resampling": found["resampling"],
                    **({} if kernels is None else {"kernels": kernels}),
                },
            },
            where,
        )
        return run, Plan.from_dict({"unit_items": 0, **found["plan"]}, where)
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{where} is not a run of this or the former format: {error}; restore the file") from None


def continues(former: Run, run: Run) -> bool:
    """Whether ``run`` is what the same command gives today: equal in everything that was recorded then."""

    def then(each: Run) -> tuple[Any, ...]:
        options = {key: value for key, value in each.as_dict()["options"].items() if key != "kernels"}
        return (
            *(each.model.name, each.model.weights_sha256, each.model.view, each.input, each.benchmark.name, options),
            *(each.benchmark.protocol, each.seed, each.precision, each.data.name, each.surrogate),
        )

    return then(former) == then(run)
