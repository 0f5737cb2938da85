"""What a page shows of accuracy under attack: over steps and over epsilon, beside the published curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hardiness.core import Curves, Grid, Heat, Layer, Line, Panel, Result, Score, epsilon_text
from hardiness.scoring.attack_checks.verdict import CANNOT_TELL, word_of
from hardiness.scoring.attack_rounds import UNITS
from hardiness.scoring.grids import Lookup
from hardiness.scoring.leaderboard import series_beside

TITLE = "Accuracy under attack"
PUBLISHED_PROTOCOL = "orhan2019"


def sweep(scores: Sequence[Score]) -> list[Score]:
    """Accuracies over epsilons, at the number of steps at which most of them were measured (the largest such)."""
    keys = {"epsilon", "steps", "surrogate"}
    found = [s for s in scores if s.metric == "accuracy" and {"epsilon"} <= set(s.condition) <= keys]
    counted = Counter(score.condition.get("steps") for score in found)
    if not counted:
        return []
    steps = max(counted, key=lambda each: (counted[each], each or 0))
    return sorted((s for s in found if s.condition.get("steps") == steps), key=lambda s: float(s.condition["epsilon"]))


def accuracy_grid(result: Result, shown: Callable[[str, Any], str]) -> Grid | None:
    """Accuracy by epsilon and steps, where several numbers of steps were recorded."""
    at = Lookup(result.scores)
    cells = [s.condition for s in result.scores if s.metric == "accuracy" and set(s.condition) == {"epsilon", "steps"}]
    steps = sorted({cell["steps"] for cell in cells})
    if len(steps) < 2:
        return None
    rows = tuple(
        (shown("epsilon", epsilon), tuple(at.cell("accuracy", epsilon=epsilon, steps=mark) for mark in steps))
        for epsilon in sorted({cell["epsilon"] for cell in cells})
    )
    if doubt := result.doubt:
        rows = tuple((head, tuple(cell and replace(cell, doubt=doubt) for cell in row)) for head, row in rows)
    heads = tuple(shown("steps", mark) for mark in steps)
    return Grid(result.name, "accuracy by epsilon and steps", "budget", heads, rows)


def accuracy_under_attack(results: Sequence[Result]) -> Curves | None:
    """A curve for each model over steps, where they were recorded, and one over epsilons.

    Source: Orhan (2019), arXiv:1907.07640, its figures of white-box and black-box accuracy; published values from
    `hardiness.reference`.
    """
    scored = [result for result in results if result.scores]
    panels = tuple(panel for panel in (_steps(scored), _epsilons(scored)) if panel) if scored else ()
    if not panels:
        return None
    caption = (
        "Share of images that are classified rightly; bands are 95 % intervals, the first point is without attack."
    )
    surrogate = scored[0].run.surrogate
    heading = f"{TITLE} made on {surrogate.model}" if surrogate else TITLE
    return Curves(
        "accuracy_under_attack",
        TITLE,
        f"{heading}{_message(standing(scored))}{doubts_of(scored)}",
        caption + dashes_of(scored),
        panels,
        "accuracy ↑ better",
        grey="Thin grey lines: the five ResNeXts as published, on ImageNet's validation set.",
    )


def _message(results: Sequence[Result]) -> str:
    """What is left at the largest epsilon."""
    last = [swept[-1] for result in results if (swept := sweep(result.scores))]
    values = [score.value for score in last if score.value is not None]
    if not values:
        return ""
    low, high = (f"{100 * bound(values):.0f}" for bound in (min, max))
    epsilon = epsilon_text(max(float(score.condition["epsilon"]) for score in last))
    return f": {low if low == high else f'{low} to {high}'} % are left at ε {epsilon}"


def standing(results: Sequence[Result]) -> Sequence[Result]:
    """The results by whose numbers their reports stand; all where there is no such one."""
    return [result for result in results if not result.doubt] or results


def doubts_of(results: Sequence[Result]) -> str:
    """What a heading says behind the numbers of some results of which a report does not stand by all, or cannot tell.

    A range over several models is of those that are neither withdrawn nor unchecked (see `standing`).
    """
    words = [word for result in results if (word := word_of(result))]
    if not words:
        return ""
    if len(results) == 1:
        images = results[0].counts.images
        few = f", from {images:,} image{'' if images == 1 else 's'}" if words[0] == CANNOT_TELL else ""
        return f" ({words[0]}{few})"
    counted = ", ".join(f"{count} {word}" for word, count in sorted(Counter(words).items()))
    return f" (of {len(results)} models {counted})"


def dashes_of(results: Sequence[Result]) -> str:
    """What a caption says of the curves that are dashed; empty where none is."""
    words = sorted({result.doubt for result in results if result.doubt})
    return f" Dashed: {' or '.join(words)}, see what the report on the attack says." if words else ""


def surrogate_matrix(results: Sequence[Result]) -> Heat | None:
    """Accuracy by the surrogate that pictures were made on and the model that sees them; ``None`` for one surrogate."""
    found: dict[str, dict[str, Score]] = {}
    for result in results:
        if result.run.surrogate and (swept := sweep(result.scores)):
            found.setdefault(result.run.surrogate.model, {})[result.name] = swept[-1]
    if len(found) < 2:
        return None
    victims = tuple(dict.fromkeys(name for row in found.values() for name in row))
    values = tuple(tuple(_value(row.get(victim)) for victim in victims) for row in found.values())
    epsilon = epsilon_text(max(float(score.condition["epsilon"]) for row in found.values() for score in row.values()))
    return Heat(
        "surrogates",
        f"What pictures made on one model leave of another's accuracy, at ε {epsilon}, in %",
        "Rows: the model that was attacked. Columns: the model that was shown the pictures. Pale: they fool it too.",
        "made on",
        victims,
        tuple(found),
        (Layer("", values),),
        higher_is_better=True,
        across="shown to",
    )


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _steps(results: Sequence[Result]) -> Panel | None:
    """The panel of the epsilon with most numbers of steps, of such the one most models were attacked at."""
    counted: dict[float, int] = {}
    for result in results:
        for score in _accuracies(result):
            if "surrogate" not in score.condition:
                counted[score.condition["epsilon"]] = counted.get(score.condition["epsilon"], 0) + 1
    usual = [
        epsilon for epsilon, points in counted.items() if points == max(counted.values()) and points > len(results)
    ]
    if not usual:
        return None
    epsilon = usual[len(usual) // 2]
    ours = tuple(
        _line(result, [s for s in _accuracies(result) if s.condition["epsilon"] == epsilon], "steps")
        for result in results
    )
    theirs = _published(results, lambda at: at.get("epsilon") == epsilon and "surrogate" not in at, "steps")
    marks = tuple(sorted({x for line in (*ours, *theirs) for x in line.x}))
    unit = UNITS.get(next((each.attack for each in results[0].run.attack), ""), "steps")
    return Panel(f"{unit}, at ε {epsilon_text(epsilon)}", ours, theirs, marks, tuple(f"{mark:g}" for mark in marks))


def _epsilons(results: Sequence[Result]) -> Panel | None:
    swept = [sweep(result.scores) for result in results]
    if max(map(len, swept)) < 2:
        return None
    steps = next(scores[0].condition.get("steps") for scores in swept if scores)
    made_on = results[0].run.surrogate
    surrogate = made_on.model if made_on else None
    ours = tuple(_line(result, scores, "epsilon") for result, scores in zip(results, swept, strict=True))
    theirs = _published(results, lambda at: at.get("steps") == steps and at.get("surrogate") == surrogate, "epsilon")
    marks = tuple(sorted({x for line in ours for x in line.x}))
    named = tuple(epsilon_text(mark) if mark else "0" for mark in marks)
    return Panel(f"ε, at {steps} steps", ours, theirs, marks, named)


def _accuracies(result: Result) -> list[Score]:
    """Accuracies by epsilon and steps, and no others: not those at the budget that must break everything."""
    return [
        s for s in result.scores if s.metric == "accuracy" and "group" not in s.condition and "steps" in s.condition
    ]


def _line(result: Result, scores: Sequence[Score], key: str) -> Line:
    clean = [score for score in result.scores if score.metric == "clean_accuracy"]
    points = [(0.0, score) for score in clean] + [(float(score.condition[key]), score) for score in scores]
    known = sorted(((x, s) for x, s in points if s.value is not None and s.interval), key=lambda point: point[0])
    return Line(
        result.name,
        tuple(x for x, _ in known),
        tuple(s.value for _, s in known if s.value is not None),
        tuple(s.interval.low for _, s in known if s.interval),
        tuple(s.interval.high for _, s in known if s.interval),
        doubt=result.doubt,
    )


def _published(results: Sequence[Result], wanted: Callable[[Mapping[str, Any]], bool], key: str) -> tuple[Line, ...]:
    if results[0].protocol != PUBLISHED_PROTOCOL:
        return ()
    lines = []
    for model, rows in series_beside(results, "accuracy").items():
        points = sorted((float(row.condition[key]), row.value) for row in rows if wanted(row.condition))
        if len(points) > 1:
            lines.append(Line(model, tuple(x for x, _ in points), tuple(y for _, y in points)))
    return tuple(lines)
