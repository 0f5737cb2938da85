"""Accuracy under attack over budgets, steps and starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hardiness.benchmarks.attack_curves import UNITS
from hardiness.benchmarks.attacks import ACCURACY
from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.presentation import sweep
from hardiness.core.attack_plan import epsilon_text
from hardiness.core.condition import Condition
from hardiness.core.result import CANNOT_TELL, Result, Score, trust
from hardiness.report.charts import Chart, Curves, Grid, Heat, Layer, Line, Panel
from hardiness.report.published_beside import series_beside
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register

TITLE = "Accuracy under attack"

PUBLISHED_PROTOCOL = "orhan2019"


@register("attack")
class AttackView(CardView):
    """Accuracy over budgets, steps and starts, and what is left at the largest budget."""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """Curves over epsilons and steps, and for each model a grid of both."""
        yield from filter(None, (accuracy_under_attack(results), strength_of_attack(results)))
        yield from filter(None, (accuracy_grid(result, card_of(result.run).shown) for result in results))

    def figures_across(self, results: Sequence[Result]) -> Iterator[Chart]:
        """Accuracy by the surrogate that pictures were made on, and the model that sees them."""
        yield from filter(None, [surrogate_matrix(results)])

    def sentence(self, result: Result, scores: ScoreLookup) -> str | tuple[str, Score | None]:
        """What becomes of the accuracy at the largest epsilon; nothing for pictures made on the model itself."""
        swept, clean = sweep(ACCURACY, result.scores), scores.value("clean_accuracy")
        surrogate = result.run.surrogate.model if result.run.surrogate else ""
        if not swept or swept[-1].value is None or clean is None or surrogate == result.model:
            return ""
        epsilon = epsilon_text(float(swept[-1].condition["epsilon"]))
        before, left = round(100 * clean), round(100 * swept[-1].value)
        stays = "holds" if trust(result.findings) == "yes" else "keeps"
        # The score under a name that says "at the largest epsilon" without the budget.
        about = replace(swept[-1], metric="accuracy_left", condition=Condition())
        change = f"falls from {before} to {left} %" if left < before else f"{stays} its {before} %"
        if surrogate:
            return f"{change} on pictures attacked on {surrogate}", about
        doubt = swept[-1].doubt
        return f"{change} under attack at ε {epsilon}{f' ({doubt})' if doubt else ''}", about


def accuracy_grid(result: Result, shown: Callable[[str, Any], str]) -> Grid | None:
    """Accuracy by epsilon and steps, where several numbers of steps were recorded."""
    at = ScoreLookup(result.scores)
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
    """A sentence on the accuracy that is left at the largest epsilon."""
    last = [swept[-1] for result in results if (swept := sweep(ACCURACY, result.scores))]
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
    words = [word for result in results if (word := result.caveat)]
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
        if result.run.surrogate and (swept := sweep(ACCURACY, result.scores)):
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
    swept = [sweep(ACCURACY, result.scores) for result in results]
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


def strength_of_attack(results: Sequence[Result]) -> Curves | None:
    """A curve a model over steps and, where there were several, over starts; noise of the same budget thin beside."""
    tried_hard = [result for result in results if result.details.get("effort")]
    known = [(result.name, result.details["effort"] | {"doubt": result.doubt}) for result in tried_hard]
    panels = tuple(panel for panel in (_panel(known, "steps"), _panel(known, "starts")) if panel)
    if not panels:
        return None
    tried = any(found["noise"] for _, found in known)
    caption = "Share of images that are classified rightly; bands are 95 % intervals, 0 steps is without attack."
    noise = " Thin grey lines: under the best of ten random draws of the same budget." if tried else ""
    heading = f"An attack must leave less than noise does{_against_noise(known)}" if tried else _leaves(known)
    heading += doubts_of(tried_hard)
    return Curves(
        "attack_effort",
        "Was it an attack? Accuracy against steps, starts and noise",
        heading,
        caption + noise + dashes_of(tried_hard),
        panels,
        "accuracy ↑ better",
        beside="noise of the same budget",
    )


def _leaves(details: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """A sentence on the accuracy that the whole effort leaves, over the models."""
    stands = [found for _, found in details if not found["doubt"]] or [found for _, found in details]
    values = [100 * found["steps"][-1][1] for found in stands if found["steps"]]
    if not values:
        return "Accuracy by effort of the attack"
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"The whole attack leaves {low if low == high else f'{low} to {high}'} %"


def _against_noise(details: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """A sentence on what attack and noise leave, where one model is shown."""
    if len(details) != 1 or not details[0][1]["noise"]:
        return ""
    found = details[0][1]
    return f": {100 * found['steps'][-1][1]:.0f} % against {100 * found['noise'][0]:.0f} %"


def _panel(details: Sequence[tuple[str, dict[str, Any]]], kind: str) -> Panel | None:
    shown = [(name, found) for name, found in details if len(found[kind]) > 1]
    if not shown:
        return None
    lines = tuple(
        Line(name, *(tuple(column) for column in zip(*found[kind], strict=True)), doubt=found["doubt"])
        for name, found in shown
    )
    marks = tuple(sorted({x for line in lines for x in line.x}))
    noise = tuple(
        Line(f"noise on {name}", (marks[0], marks[-1]), (found["noise"][0],) * 2)
        for name, found in shown
        if found["noise"]
    )
    epsilons = dict.fromkeys(epsilon_text(found["epsilon"]) for _, found in shown)
    what = kind if kind == "starts" else " or ".join(dict.fromkeys(found["unit"] for _, found in shown))
    label = f"{what}, at ε {' and '.join(epsilons)}"
    members = {number: name for _, found in shown for number, name in enumerate(found["members"], start=1)}
    names = {0: "none", **members} if kind == "steps" and members else {}
    return Panel(label, lines, noise, marks, tuple(names.get(int(mark), f"{mark:g}") for mark in marks))
