"""Whether the sentences of the paper hold, from Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hardiness.core import Result, TextTable, UnknownNameError
from hardiness.scoring import results
from hardiness.scoring.claims import Judged, Models, from_results, judged, paired_draws, published_models
from hardiness.store import Store


def claims(out: str | Path, *family: str, reference: str | None = None) -> Judged:
    """Whether the paper's sentences hold for the models of an output folder.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        family: models of one recipe, smallest first; all but the reference, by name, if none is given: ``8x`` before
            ``16x``.
        reference: the model that they are compared with.

    Raises:
        UnknownNameError: a model was not run.
        DataError: the folder holds no records.
    """
    store = Store.open(out)
    return judged(paired_draws(_models(store, family, reference), [store]))


def claims_table(stores: Sequence[Store], found: Sequence[Result]) -> TextTable | None:
    """The paper's sentences judged on all models of one or more folders, as a table; ``None`` where there is none.

    A name under which folders hold different weights is left out: which of the models is meant cannot be told.

    Args:
        stores: the folders.
        found: what they hold, each run once.
    """
    weights: dict[str, set[str]] = {}
    for result in found:
        weights.setdefault(result.run.model.name, set()).add(result.run.model.weights_sha256)
    family = sorted((name for name, hashes in weights.items() if len(hashes) == 1), key=_by_size)
    if not family:
        return None
    view = judged(paired_draws(from_results(found, family), stores)).view()
    unclear = sorted(weights.keys() - set(family))
    left_out = [f"{name} is left out: runs of that name have different weights" for name in unclear]
    return replace(view, notes=(*view.notes, *left_out))


def published_claims() -> Judged:
    """Whether they hold for the five models of the paper by their published numbers."""
    return judged(published_models())


def _models(store: Store, family: Sequence[str], reference: str | None) -> Models:
    found = results(store)
    known = list(dict.fromkeys(result.model for result in found))
    for name in (*family, *((reference,) if reference else ())):
        if name not in known:
            raise UnknownNameError(f"model in {store.address}", name, known)
    return from_results(found, family or sorted((name for name in known if name != reference), key=_by_size), reference)


def _by_size(name: str) -> list[tuple[str, int]]:
    """Names by their letters, then by their numbers as numbers."""
    return [(letters, int(number or 0)) for letters, number in re.findall(r"(\D*)(\d*)", name)]
