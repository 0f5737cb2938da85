"""Whether the sentences of the paper hold, from Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hardiness.core import Result, TextTable, UnknownNameError
from hardiness.models import registry
from hardiness.scoring import results
from hardiness.scoring.claims import ClaimVerdicts, Models, from_results, judged, paired_draws, published_models
from hardiness.store import Store


def claims(out: str | Path, *family: str, reference: str | None = None) -> ClaimVerdicts:
    """Whether the paper's sentences hold for the models of an output folder.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        family: models of one recipe, smallest first; all but the reference if none is given, by how many parameters
            they have, or by name (``8x`` before ``16x``) where that is not known of each.
        reference: the model that they are compared with.

    Raises:
        UnknownNameError: a model was not run.
        DataError: the folder holds no records.
    """
    store = Store.open(out)
    return judged(paired_draws(_models(store, family, reference), [store]))


def claims_table(stores: Sequence[Store], found: Sequence[Result], baseline: str | None = None) -> TextTable | None:
    """The paper's sentences judged on all models of one or more folders, as a table; ``None`` where there is none.

    A name under which folders hold different weights is left out: which of the models is meant cannot be told.

    Args:
        stores: the folders.
        found: what they hold, each run once.
        baseline: a model whose stored runs the ratios of ``found`` divide by, instead of the published baseline.
    """
    weights: dict[str, set[str]] = {}
    for result in found:
        weights.setdefault(result.run.model.name, set()).add(result.run.model.weights_sha256)
    family = [name for name, hashes in weights.items() if len(hashes) == 1]
    if not family:
        return None
    view = judged(paired_draws(_by_size(found, family, None), stores, baseline)).view()
    unclear = sorted(weights.keys() - set(family))
    left_out = [f"{name} is left out: runs of that name have different weights" for name in unclear]
    return replace(view, notes=(*view.notes, *left_out))


def published_claims() -> ClaimVerdicts:
    """Whether they hold for the five models of the paper by their published numbers."""
    return judged(published_models())


def _models(store: Store, family: Sequence[str], reference: str | None) -> Models:
    found = results(store)
    known = list(dict.fromkeys(result.model for result in found))
    for name in (*family, *((reference,) if reference else ())):
        if name not in known:
            raise UnknownNameError(f"model in {store.address}", name, known)
    if family:
        return replace(from_results(found, family, reference), parameters=_parameters(found))
    return _by_size(found, [name for name in known if name != reference], reference)


def _by_size(found: Sequence[Result], names: Sequence[str], reference: str | None) -> Models:
    """The models, those with the fewest parameters first; by name where that is not known of each."""
    known = _parameters(found)
    by_parameters = all(name in known for name in names)
    family = sorted(names, key=lambda name: (known[name] if by_parameters else 0, _natural(name)))
    models = from_results(found, family, reference)
    return replace(models, order="parameters" if by_parameters else "name", parameters=known)


def _parameters(found: Sequence[Result]) -> dict[str, int]:
    """How many parameters models have, as was stored with their runs, or as the catalogue has it; none is loaded."""
    counts: dict[str, set[int]] = {}
    for result in found:
        stored = {count for each in result.measured.get("sessions", ()) if (count := each.get("parameters"))}
        if not stored and result.model in registry and (count := registry.get(result.model).source.parameters):
            stored = {count}
        counts.setdefault(result.model, set()).update(stored)
    return {model: next(iter(each)) for model, each in counts.items() if len(each) == 1}


def _natural(name: str) -> list[tuple[str, int]]:
    """Names by their letters, then by their numbers as numbers."""
    return [(letters, int(number or 0)) for letters, number in re.findall(r"(\D*)(\d*)", name)]
