"""Answers of chat models, on any benchmark: pictures without an answer are wrong, and how sure the others are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core.answers import ANSWERS, OUTCOMES
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.statistics.clusters import EstimateBasis
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.spreads.shares import ShareOfImages

TABLE_COLUMNS = ("outcome", "has_confidence", "missing_mass", "changed")
"""Columns that a table keeps of each answer; see `hardiness.models.chat.model.ClosedQuestionModel.columns`."""

USAGE_COLUMNS = ("prompt_tokens", "completion_tokens")
"""Tokens of each row."""

ENDPOINT_COLUMNS = ("served_model", "fingerprint", "asked_at", "outcome", "at_most_tokens", *USAGE_COLUMNS)
"""Columns about the endpoint, how it ended its answers and what they cost."""

LACKS_CONFIDENCE, HAS_CONFIDENCE = ANSWERS, "probabilities"

UNANSWERED = Metric(
    "unanswered",
    "no answer",
    higher_is_better=False,
    explanation="the share of pictures to which a chat model gave no readable answer; each counts as wrong.",
)
ANSWER_CHANGES = Metric(
    "answer_changes",
    higher_is_better=False,
    explanation="the share of pictures whose answer changed when the same question was asked again.",
)
MISSING_MASS = Metric(
    "missing_mass",
    "missing probability",
    higher_is_better=False,
    explanation="one minus the total probability of the answer letters that the endpoint listed.",
)
CHAT_METRICS = (UNANSWERED, ANSWER_CHANGES, MISSING_MASS)

MOST_NAMED, NONE = 4, Condition()


def no_answer(records: Records) -> NDArray[np.bool_]:
    """Which rows hold no answer, ``(N,)``; every model but a chat model answers always."""
    return records["outcome"] > 0 if "outcome" in records else np.zeros(len(records), np.bool_)


def with_outcomes(table: ImageTable, records: Records) -> ImageTable:
    """A table with what its rows say of answers; what was not answered is wrong."""
    answers = {name: records[name] for name in TABLE_COLUMNS}
    outcomes = ImageTable.from_rows(records, table.conditions, {RIGHT: records["outcome"] == 0, **answers})
    right = np.where((table[RIGHT] == 1) & (outcomes["outcome"] > 0), 0, table[RIGHT]).astype(table[RIGHT].dtype)
    return replace(table, columns={**table.columns, RIGHT: right, **{name: outcomes[name] for name in TABLE_COLUMNS}})


def chat_outputs(table: ImageTable) -> str:
    """The kind of output that a chat model has given for every picture, as `ModelIdentity.outputs` says."""
    has_confidence = _has_confidence(table)
    return HAS_CONFIDENCE if len(has_confidence) and bool(has_confidence.all()) else LACKS_CONFIDENCE


def _has_confidence(table: ImageTable) -> NDArray[np.bool_]:
    """Whether each evaluated row has a confidence."""
    return np.asarray(table["has_confidence"][table.evaluated] == 1)


def answer_scores(table: ImageTable) -> list[Score]:
    """The shares of pictures without an answer, by kind, and of those whose answer changes when asked again.

    Then how much of the probability lies on no letter that was listed.
    """
    places = np.nonzero(table.evaluated)[0]
    outcome, changed = table["outcome"][table.evaluated], table["changed"][table.evaluated]
    scores = [_share(UNANSWERED, table.ids, places, outcome > 0)]
    if (changed >= 0).any():
        is_asked = changed >= 0
        scores.append(_share(ANSWER_CHANGES, table.ids, places[is_asked], changed[is_asked] == 1))
    if missing := _missing(table):
        scores.append(missing)
    kinds = list(enumerate(OUTCOMES))[1:]
    return scores + [
        _share(UNANSWERED, table.ids, places, outcome == kind, Condition(outcome=name)) for kind, name in kinds
    ]


def _missing(table: ImageTable) -> Score | None:
    """The probability on no letter that was listed, a mean over pictures; ``None`` where no letter ever was."""
    values = np.where(table.evaluated, table["missing_mass"], np.nan).astype(np.float64)
    is_listed = ~np.isnan(values).all(axis=1)
    if not is_listed.any():
        return None
    estimate = mean(table.ids[is_listed], np.nanmean(values[is_listed], axis=1))
    basis = EstimateBasis(lambda: estimate, 0.0, 1.0)
    return MISSING_MASS.score(estimate.value, estimate.n, estimate.spread(0.0, 1.0), basis=basis)


def _share(
    metric: Metric,
    ids: NDArray[np.object_],
    places: NDArray[np.int64],
    hits: NDArray[np.bool_],
    condition: Condition = NONE,
) -> Score:
    """The share of answers that count, with the interval of as many independent ones.

    Args:
        metric, condition: of the score.
        ids: ``(N,)`` of the images, sorted.
        places: ``(n,)`` the image of each answer, of which a picture may have several.
        hits: ``(n,)`` which count.
    """
    count, n = int(np.count_nonzero(hits)), len(hits)

    def estimate() -> Estimate:
        answers, counts = (np.bincount(places, of, len(ids)) for of in (None, hits))
        value = count / n
        has_answer = answers > 0
        influence = (counts - value * answers)[has_answer] * (np.count_nonzero(has_answer) / n)
        return Estimate(value, ids[has_answer], influence)

    return metric.score(count / n, n, ShareOfImages(count, n), condition, basis=EstimateBasis(estimate, 0.0, 1.0))


def answer_warnings(table: ImageTable, run: Run, endpoint: Records) -> list[Fact]:
    """Facts that a person needs with a chat model's numbers.

    Args:
        table: the answers of a run.
        run: the one that the table is of.
        endpoint: its rows, with `ENDPOINT_COLUMNS`.
    """
    if not len(endpoint):
        return []
    return [
        *_about_endpoint(endpoint, run),
        *_about_answers(table),
        *_about_tokens(endpoint),
        *_about_confidence(table),
    ]


def _about_endpoint(endpoint: Records, run: Run) -> Iterator[Fact]:
    options = run.model.options
    days = sorted({str(time)[:10] for time in endpoint["asked_at"].tolist()})
    models, prints = (_counts(endpoint[name].tolist()) for name in ("served_model", "fingerprint"))
    yield Fact(
        RunRemark.CHAT_ENDPOINT,
        {
            "mark": run.model.mark,
            "first_day": days[0],
            "last_day": days[-1],
            "base": str(options.get("base", "?")),
            "models": models,
            "fingerprints": prints,
            "order": str(options.get("order", "seeded")),
        },
    )
    if len(models) > 1 or len(prints) > 1:
        yield Fact(RunRemark.MODEL_CHANGED, {"by": "fingerprint" if len(prints) > 1 else "name"})


def _about_answers(table: ImageTable) -> Iterator[Fact]:
    outcome = table["outcome"][table.evaluated]
    counts = {name: int(np.count_nonzero(outcome == kind)) for kind, name in enumerate(OUTCOMES)}
    lacking = tuple((name, count) for name, count in counts.items() if count and name != OUTCOMES[0])
    if lacking:
        yield Fact(RunRemark.UNANSWERED, {"pictures": len(outcome), "lacking": lacking})
    changed = table["changed"][table.evaluated]
    repeated = changed[changed >= 0]
    if len(repeated):
        count = int(np.count_nonzero(repeated == 1))
        yield Fact(RunRemark.ANSWERS_CHANGED, {"changed": count, "pictures": len(repeated)})


def _about_tokens(endpoint: Records) -> Iterator[Fact]:
    """How many answers were cut for want of tokens, and how many tokens all of them took."""
    lacking = endpoint["outcome"] == OUTCOMES.index("no answer")
    cut = int(np.count_nonzero(lacking & (endpoint["at_most_tokens"] == 1)))
    if cut:
        yield Fact(RunRemark.ANSWERS_CUT, {"answers": cut})
    prompt, completion = (int(endpoint[name].sum()) for name in USAGE_COLUMNS)
    if prompt or completion:
        yield Fact(RunRemark.TOKENS, {"of_questions": prompt, "of_answers": completion})


def _about_confidence(table: ImageTable) -> Iterator[Fact]:
    missing, has_confidence = table["missing_mass"][table.evaluated], _has_confidence(table)
    n, whole = len(has_confidence), int(np.count_nonzero(has_confidence))
    listed = missing[~np.isnan(missing)]
    if whole < n:
        of_listed = {"missing": float(listed.mean())} if len(listed) else {}
        yield Fact(RunRemark.LETTERS, {"whole": whole, "answers": n, **of_listed})


def _counts(values: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Each value that is not empty with how often it is there, the most frequent first."""
    return tuple(Counter(value for value in values if value).most_common())
