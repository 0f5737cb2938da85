"""Whether a result is to be believed: its checks, and what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hardiness.core.codes import AttackCheck, RunRemark
from hardiness.core.fact import CheckOutcome, Trust, doubtful
from hardiness.core.result import Result, Score
from hardiness.report.sections import BenchmarkSection, score_of
from hardiness.report.training_overlap import Declared, overlaps, touched, training_sentence
from hardiness.report.words import advice, sentence

WIDE = 0.10
"""Width of an interval above which n is called too small for most differences between models."""

SUBJECTS: Mapping[str, str] = {
    RunRemark.DEMO_SIZED: "data",
    RunRemark.PART_OF_SET: "data",
    RunRemark.UNEXPECTED_ACCURACY: "clean accuracy",
}
"""The subject of a warning, by its code."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it found something, why, what to do about it, and whether it ran at all."""

    name: str
    raised: bool
    reason: str
    advice: str = ""
    ran: bool = True


def checks(result: Result, shown: BenchmarkSection, declared: Declared | None = None) -> list[Check]:
    """The checks of one result, those that found something first.

    Args:
        result: one of a section's.
        shown: the section.
        declared: what models were trained with, as their user says.
    """
    if result.measured.get("published"):
        return [Check("published", False, "a published number; nothing was run here")]
    unsorted = [
        *_completeness(result),
        *_size(result, shown),
        *_differences(result, shown),
        *_runtime(result),
        *_training(result, declared or {}),
        *(
            Check(SUBJECTS.get(fact.code, "warning"), True, sentence(fact), advice(fact))
            for fact in result.warnings
            if fact.code != RunRemark.PARTIAL
        ),
        *(
            Check(fact.code, fact.is_raised, sentence(fact), advice(fact), ran=fact.outcome is not CheckOutcome.NOT_RUN)
            for fact in result.findings
        ),
    ]
    return sorted(unsorted, key=lambda check: not check.raised)


def _completeness(result: Result) -> Iterator[Check]:
    counts, conditions = result.counts, len(result.plan.whole)
    what = "image-cells" if conditions > 1 else "pictures"
    times = f" ({counts.expected // conditions:,} pictures x {conditions:,} conditions)" if conditions > 1 else ""
    if counts.complete:
        yield Check("complete", False, f"all {counts.expected:,} {what} of the data set were evaluated{times}")
    elif counts.expected:
        share = f"{counts.evaluated:,} of {counts.expected:,} {what} were evaluated{times}"
        limits = _limits(result)
        without = f"without {' and '.join(filter(None, [', '.join(limits[:-1]), limits[-1]]))}" if limits else "again"
        yield Check("complete", True, share, f"run the same command {without}: it continues where it stopped")
    if counts.failed:
        yield Check(
            "failures", True, f"{counts.failed:,} {what} failed", "see the list below, mend the files, run again"
        )
    elif counts.evaluated:
        yield Check("failures", False, "no picture failed")


_PICKS = frozenset(("corruptions", "severities", "perturbations", "difficulty"))
"""Options of benchmarks by which a command asks for some of the conditions."""


def _limits(result: Result) -> list[str]:
    """The options in a result's commands that asked for less than everything, as they are typed."""
    sessions = result.measured.get("sessions", ())
    requests = [session["asked"] for session in sessions]
    options = [pair.partition("=")[0] for request in requests for pair in _options(request["benchmark"])]
    limits = ["--limit"] if any(session["limit"] is not None for session in sessions) else []
    limits += ["--conditions"] if any(request.get("conditions") is not None for request in requests) else []
    limits += ["--precision-target"] if any(request.get("precision_target") is not None for request in requests) else []
    limits += ["--until-decided"] if any(request.get("until_decided") is not None for request in requests) else []
    limits += ["--time-budget"] if any(request.get("time_budget_s") is not None for request in requests) else []
    return [*limits, *(f"{option}=" for option in dict.fromkeys(options) if option in _PICKS)]


def _options(benchmark: str) -> list[str]:
    return benchmark.partition(":")[2].split(",")


def _size(result: Result, shown: BenchmarkSection) -> Iterator[Check]:
    column = shown.section.headline
    score = score_of(result, column) if column else None
    if score is None or score.interval is None or score.unit != "fraction":
        return
    width = score.interval.high - score.interval.low
    text = f"n = {score.n_text}: the interval of {column.title if column else ''} is {100 * width:.0f} points wide"
    if width > WIDE:
        yield Check(
            "sample size", True, f"{text}, so that smaller differences are not told apart", _images_needed(score, width)
        )
    else:
        yield Check("sample size", False, text)


def _images_needed(score: Score, width: float) -> str:
    units, name = (score.clusters, "clusters") if score.clusters else (score.n, "images")
    return f"about {round(units * (width / WIDE) ** 2):,} {name} would bring it to {100 * WIDE:.0f} points"


def _differences(result: Result, shown: BenchmarkSection) -> Iterator[Check]:
    """Whether n is large enough to tell this model from each other one by the score that stands for the section."""
    column = shown.section.headline
    comparison = shown.comparison(column) if column else None
    pairs = [(pair, each) for pair, each in (comparison.pairs if comparison else {}).items() if result.name in pair]
    scores = {each.name: score_of(each, column) for each in shown.results} if column else {}
    doubts_by_name = {name: score.doubt for name, score in scores.items() if score}
    if pairs and (doubt := doubts_by_name.get(result.name)):
        text = f"its number is {doubt}, so that no difference from another model is told"
        yield Check("difference", False, text, ran=False)
        return
    left_out = {
        name: doubt for name, doubt in doubts_by_name.items() if doubt and any(name in pair for pair, _ in pairs)
    }
    beside = f" (left out: {', '.join(f'{name}, {doubt}' for name, doubt in left_out.items())})" if left_out else ""
    pairs = [(pair, each) for pair, each in pairs if not left_out.keys() & set(pair)]
    open_pairs = [(pair, each) for pair, each in pairs if each.interval is not None and not each.is_told_apart]
    if open_pairs:
        others = [(pair[1] if pair[0] == result.name else pair[0], each) for pair, each in open_pairs]
        rivals = ", ".join(f"{other} ({100 * abs(each.value):.1f} points)" for other, each in others)
        detectable = [each.detectable for _, each in open_pairs if each.detectable is not None]
        needs = f"; {open_pairs[0][1].n:,} images tell {100 * max(detectable):.1f} points" if detectable else ""
        text = f"what it differs by from {rivals} is within chance{needs}{beside}"
        yield Check("difference", True, text, "more images; hardiness compare --power says how many")
    if pairs and not open_pairs:
        yield Check("difference", False, f"it is told apart from every other model on the same images{beside}")
    if left_out and not pairs:
        yield Check("difference", False, f"there is no other model to tell it from{beside}", ran=False)


def _training(result: Result, declared: Declared) -> Iterator[Check]:
    """Whether the model was trained on what the benchmark tests, as far as that is known."""
    touching = list(overlaps(result, declared))
    for recipe, members, is_declared in touching:
        yield Check("training", True, *training_sentence(result.benchmark, recipe, members, is_declared))
    if not touching and touched(result.benchmark):
        yield Check("training", False, "nothing is known of a training on what this benchmark tests")


def _runtime(result: Result) -> Iterator[Check]:
    agreements = [session["agreement"] for session in result.measured.get("sessions", ()) if session.get("agreement")]
    for agreement in agreements[:1]:
        if agreement.get("fallback"):
            yield Check("runtime", True, str(agreement["fallback"]), "nothing: plain torch was used instead")
        elif agreement.get("n"):
            text = f"{100 * agreement['top1']:.0f} % of top-1 equal plain fp32 torch on {agreement['n']} images"
            yield Check(
                "runtime", agreement["top1"] < 1, text, "compare with --runtime torch" if agreement["top1"] < 1 else ""
            )


def trust_text(result: Result, checked: Sequence[Check]) -> str:
    """Whether a result is to be believed, in a word or two: ``yes``, ``3 doubts``, ``cannot tell``, or ``no: …``.

    Under attack the attack report goes first, by a verdict that it withdrew or that it cannot give.
    """
    if result.trust is Trust.WITHDRAWN:
        raised = [fact for fact in result.findings if fact.is_raised and fact.code != AttackCheck.MISCLASSIFIED]
        checks_raised = [fact.code for fact in raised if fact.trust is None] or [fact.code for fact in raised]
        return f"no: {', '.join(checks_raised)}"
    if result.caveat:
        return result.caveat if result.trust is Trust.CANNOT_TELL else f"no: {result.caveat}"
    return doubts_text(doubts(result, checked)) or "yes"


def doubts(result: Result, checked: Sequence[Check]) -> list[Check]:
    """The checks that cast doubt on the numbers; a verdict that is believed casts none, whatever it says."""
    certain = {fact.code for fact in result.findings} - {fact.code for fact in doubtful(result.findings)}
    return [check for check in checked if check.raised and check.name not in certain]


def doubts_text(raised: Sequence[Check]) -> str:
    """``1 doubt``, ``3 doubts``; empty for none."""
    return f"{len(raised)} doubt{'s' if len(raised) > 1 else ''}" if raised else ""
