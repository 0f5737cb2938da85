"""Why numbers are undefined, or have no interval, in words: what follows on ``X is undefined:``."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.benchmarks.presentation import words
from hardiness.core.codes import Lack
from hardiness.core.fact import Fact
from hardiness.report.words import Words, plain, says, text
from hardiness.report.words.attack_checks import listed, percent

TEXTS = {
    Lack.UNDEFINED: "it is not defined for these images",
    Lack.NOT_EVALUATED: "no {what} was evaluated",
    Lack.EMPTY_CONDITION: "a condition has no image",
    Lack.NO_SPREAD: "the images show no spread: each cell has too few of them",
    Lack.NO_BASELINE: "there is no baseline for these classes",
    Lack.NONE_RUN: "none of {what} was run",
    Lack.CLEAN_UNKNOWN: ("clean error is unknown: the same images without corruption (imagenet/val) were not run"),
    Lack.UNTRIED: "no method was tried for it",
    Lack.CLUSTERS: "no method for clusters: its interval is of independent pictures",
    Lack.CLUSTERS_AND_LOOKS: "no method for clusters: it was stopped by looks at single pictures",
    Lack.CLUSTERS_AND_LINE: "no method for clusters: other models scatter about the line too",
    Lack.NOT_RUN: "it was not run on {benchmark}",
    Lack.NO_CLEAN_ACCURACY: "it has no clean accuracy",
    Lack.OTHER_IMAGES: "it was evaluated on other images than {than}",
    Lack.CLUSTERS_AND_KAPPA: "no method for clusters: kappa of two models",
    Lack.NOTHING_BEYOND_CHANCE: "both are always right, or both always wrong",
    Lack.FIXED_CANVAS: "its pictures lie on a fixed canvas, and the published models saw photographs in their own view",
    Lack.CLUSTERS_AND_TESTS: "no method for clusters: its interval inverts tests",
    Lack.OVER_SEVERITIES: "it is a mean over severities; under each it has another count",
    Lack.DENOMINATORS_ZERO: "the denominators are all 0",
    Lack.CLEAN_ZERO: "what it is divided by, without corruption, is 0",
    Lack.UNPAIRED: "no {what} was evaluated both ways",
    Lack.NO_RATIO: "scores that begin at {least} and not at 0 have no ratio",
    Lack.NO_CLEAN_SCORE: (
        "no score is of a clean picture; where the file calls clean pictures otherwise, say it with clean=NAME"
    ),
    Lack.FEW_STEPS: "severities are few steps, and it may lie beyond the last; accuracy by severity has intervals",
    Lack.FEW_DIFFER: "the two differ on {differing:,} of {n:,} {what}, too few to see their spread",
    Lack.UNSEEN_SLICE: "no picture",
    Lack.OUTSIDE: "the best one lies outside {low:g} to {high:g}",
    Lack.ONE_BY_ONE: (
        "it is the mean over single people, whose answers are no part of this package: hardiness show --people OUT "
        "--humans raw-data reads them"
    ),
    Lack.NO_ERROR: "no annotated photograph was answered wrongly",
    Lack.NO_CUE: "none of {stimuli:,} stimuli was answered with one of its cues",
    Lack.NOT_IMAGENETS: "its classes are not ImageNet's 1,000, which the published line is of",
    Lack.OTHER_FILES: (
        "the published line is of the released files, resized and cropped again; run {benchmark}:source=stored,"
        "view={view}, or compare with --reference MODEL"
    ),
    Lack.FILTERED: "{benchmark} was filtered by this model, so that the published lines leave it out",
    Lack.PART: "a part of {benchmark} was evaluated ({had:,} of {needed:,} images), and the published line is of all",
    Lack.NOT_SURE: "no level that was run is surely above that accuracy or below it",
}

for code, told in TEXTS.items():
    plain(code, told)

OUTPUTS = {
    "probabilities": "the model gives probabilities, and this needs logits",
    "classes": "the file has classes only",
    "confidences": "the file has one confidence for each answer, and not for each class",
    "scores": "the file has a score for each picture, and no answers",
    "answers": "not every answer began with its letter and came with log-probabilities of all letters",
}
"""What a model's outputs are, where they do not suffice, by their kind."""


@says(Lack.TOO_FEW)
def too_few(fact: Fact, needs: Sequence[tuple[int, str]], had: Sequence[int] = ()) -> Words:
    """As of the lack."""
    text = f"it needs {listed([f'{count:,} {what}' for count, what in needs])}"
    if not had:  # of several numbers, which had unlike counts
        return text
    of_one = " of one of them" if len(had) < len(needs) else ""
    return f"{text}, had {listed([f'{count:,}' for count in had])}{of_one}"


@says(Lack.LAST_OF_MANY)
def last_of_many(fact: Fact, risk: float) -> Words:
    """As of the lack."""
    return f"no method holds: it is the last of many places at which the risk may be {100 * risk:g} %"


@says(Lack.STAYS_ABOVE)
def stays_above(fact: Fact, share: float, severity: int) -> Words:
    """As of the lack."""
    return f"it stays above {100 * share:g} % of the clean accuracy up to severity {severity}"


@says(Lack.THIN_CELL)
def thin_cell(fact: Fact, needed: int, had: int | None = None) -> Words:
    """As of the lack."""
    return f"a cell has {'too few' if had is None else f'{had:,}'} images, and {needed} are needed"


@says(Lack.OUTPUTS)
def outputs(fact: Fact, outputs: str) -> Words:
    """As of the lack."""
    return f"not available: {OUTPUTS[outputs]}"


@says(Lack.COLUMNS)
def columns(fact: Fact, table: Sequence[str] = (), rows: Sequence[str] = (), pictures: Sequence[str] = ()) -> Words:
    """As of the lack."""
    places = {"is in the image table": table, "is in the stored rows": rows}
    lacking = [f"no {', no '.join(names)} {place}" for place, names in places.items() if names]
    if pictures:
        lacking.append(f"the pictures have no column {', no column '.join(pictures)}")
    return f"not available: {' and '.join(lacking)}"


@says(Lack.BASELINE_ZERO)
def baseline_zero(fact: Fact, metric: str, condition: str, beyond_clean: bool) -> Words:
    """As of the lack."""
    than = "its clean one" if beyond_clean else "0"
    return f"the baseline has no {words(metric)} above {than} under {condition}"


@says(Lack.NOT_PUBLISHED)
def not_published(fact: Fact, metric: str) -> Words:
    """As of the lack."""
    return (
        f"no source gives AlexNet's {words(metric)}; its raw mean stands beside this. Run a model to divide by on the "
        "same data (-m alexnet -b imagenet-p), and name it with --baseline alexnet"
    )


@says(Lack.EMPTY_CLASS)
def empty_class(fact: Fact, of_two: bool) -> Words:
    """As of the lack."""
    return f"{'one of the classes' if of_two else 'the class'} has no picture"


@says(Lack.SMALL_CLASS)
def small_class(fact: Fact, needed: int, had: int | None = None) -> Words:
    """As of the lack."""
    pictures = "too few pictures" if had is None else f"{had} picture{'s' * (had != 1)}"
    return f"the smallest class has {pictures}; an interval takes {needed} of each"


@says(Lack.CLUSTERS_OF_ONE)
def clusters_of_one(fact: Fact, data: str) -> Words:
    """As of the lack."""
    return f"no method for clusters: the pictures of {data} have no such column"


@says(Lack.MIX)
def mix(fact: Fact, slices: Sequence[tuple[str, Fact]]) -> Words:
    """As of the lack."""
    return "; ".join(f"{value}: {text(why)}" for value, why in slices)


@says(Lack.OTHER_VIEW)
def other_view(fact: Fact, changes: Sequence[str]) -> Words:
    """As of the lack."""
    return f"its view was changed ({', '.join(changes)}), and the published models saw photographs in their own"


@says(Lack.RISES)
def rises(fact: Fact, milder: tuple[str, float], stronger: tuple[str, float]) -> Words:
    """As of the lack."""
    at = [f"{percent(accuracy)} at {level}" for level, accuracy in (milder, stronger)]
    return f"accuracy rises again with the level: {', '.join(at)}"


@says(Lack.BELOW_ALREADY)
def below_already(fact: Fact, level: str, accuracy: float) -> Words:
    """As of the lack."""
    return f"accuracy is below it already at the mildest level, {level}: {percent(accuracy)}"


@says(Lack.NO_LIMIT)
def no_limit(fact: Fact, up_to: str, level: str, sure_to: str) -> Words:
    """As of the lack."""
    doubt = f"surely none {up_to} {sure_to}" if sure_to else "may be chance"
    return f"no limit {up_to} {level}" + ("" if sure_to == level else f" ({doubt})")


@says(Lack.UNAVAILABLE)
def unavailable(fact: Fact, why: Fact) -> Words:
    """As of the code."""
    return f"not available: {text(why)}"
