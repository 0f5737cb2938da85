"""Which pictures without an object pass for photographs, test by test, as a figure that says what a model flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardiness.core import Observer, Result, Score
from hardiness.core.section import Dots
from hardiness.scoring.superlatives import in_words

NOISE = (
    "uni",
    "Rademacher",
    "Gaussian",
    "pixel_perm",
    "low_freq_pixel_perm",
    "low_freq",
    "low_freq_channelfullscale",
    "low_freq_colorrange",
    "blobs",
)
PLAIN = (
    "monochrome",
    "grey",
    "black",
    "white",
    "tricolour",
    "tricolour_primary",
    "horizontal_stripes",
    "vertical_stripes",
)
"""The tests by kind: fine and coarse noise, and plain or striped pictures."""

KINDS = {"noise": NOISE, "plain and striped": PLAIN}

HALF = 0.5
"""Share above which a kind of pictures is said to pass."""

ALL = "mean of all tests"
TITLES: Mapping[str, str] = {"msp": "softmax probability", "max_logit": "largest logit", "energy": "energy"}


def passing_chart(results: Sequence[Result], method: str) -> Dots | None:
    """The share of each test that passes for photographs by one method; ``None`` where there is none."""
    observers = tuple(each for result in results if (each := _observer(result, method)).by_row)
    if not observers:
        return None
    present = dict.fromkeys(name for each in observers for name in each.by_row)
    rows = []
    for kind, names in KINDS.items():
        if f"mean of {kind}" in present:
            rows += [f"mean of {kind}", *(name for name in names if name in present)]
    return Dots(
        f"passing_{method}",
        f"By {TITLES[method]}: {_heading(observers)}",
        "Share of pictures without any object that a threshold lets through which accepts 95 % of the photographs; "
        "lines are 95 % intervals. A model that flags nothing stands right in both kinds of tests, one that flags "
        "noise alone left in the first and right in the second; a good one left in all.",
        "passes for a photograph ↓ better",
        ("flagged", "passes"),
        ALL,
        tuple(rows),
        observers,
        bars=True,
    )


def _observer(result: Result, method: str) -> Observer:
    """The mean over all tests, those of both kinds, and each test."""
    by_row: dict[str, Score] = {}
    overall = None
    for score in result.scores:
        if score.metric == f"mean_fpr95_{method}" and score.value is not None:
            overall = score
        elif score.condition.get("method") == method and score.value is not None:
            kind, test = score.condition.get("kind"), score.condition.get("test")
            if score.metric in ("fpr95", "kind_fpr95"):
                by_row[str(test) if test else f"mean of {kind}"] = score
    return Observer(result.name, overall, by_row)


def _heading(observers: Sequence[Observer]) -> str:
    """What each model flags, in the order of the table; models of one kind together."""
    said: dict[str, list[str]] = {}
    for each in observers:
        said.setdefault(_flagged(each.by_row), []).append(each.name)
    if len(said) == 1:
        (what, names), *_ = said.items()
        return f"{names[0]} {what}" if len(names) == 1 else f"each of the {len(names)} models {what}"
    return "; ".join(
        f"{in_words(names, len(observers))} {what if len(names) == 1 else what.replace('flags', 'flag', 1)}"
        for what, names in said.items()
    )


def _flagged(by_row: Mapping[str, Score]) -> str:
    passing = [kind for kind in KINDS if (score := by_row.get(f"mean of {kind}")) and (score.value or 0.0) > HALF]
    told = {
        (): "flags most of both kinds",
        ("noise",): "flags plain and striped pictures alone",
        ("plain and striped",): "flags noise alone",
        tuple(KINDS): "flags hardly anything",
    }
    return told[tuple(passing)]
