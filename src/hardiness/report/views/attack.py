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
from hardiness.core.fact import Trust
from hardiness.core.result import Result, Score
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
        """The change of accuracy at the largest epsilon; nothing for pictures made on the model itself."""
        swept, clean = sweep(ACCURACY, result.scores), scores.value("clean_accuracy")
        surrogate = result.run.surrogate.model if result.run.surrogate else ""
        if not swept or swept[-1].value is None or clean is None or surrogate == result.model:
            return ""
        epsilon = epsilon_text(float(swept[-1].condition["epsilon"]))
        before, after = round(100 * clean), round(100 * swept[-1].value)
        stays = "holds" if result.trust is Trust.BELIEVED else "keeps"
        # The score under a name that says "at the largest epsilon" without the budget.
        about = replace(swept[-1], metric="accuracy_left", condition=Condition())
        change = f"falls from {before} to {after} %" if after < before else f"{stays} its {before} %"
        if surrogate:
            return f"{change} on pictures attacked on {surrogate}", about
        doubt = swept[-1].doubt
        return f"{change} under attack at ε {epsilon}{f' ({doubt})' if doubt else ''}", about


def accuracy_grid(result: Result, shown: Callable[[str, Any], str]) -> Grid | None:
    """Accuracy by epsilon and steps, where several numbers of steps were recorded."""
    lookup = ScoreLookup(result.scores)
    cells = [s.condition for s in result.scores if s.metric == "accuracy" and set(s.condition) == {"epsilon", "steps"}]
    steps = sorted({cell["steps"] for cell in cells})
    if len(steps) < 2:
        return None
    rows = tuple(
        (shown("epsilon", epsilon), tuple(lookup.cell("accuracy", epsilon=epsilon, steps=mark) for mark in steps))
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
    """The words of a heading behind the numbers of results of which a report does not stand by all, or cannot tell.

    A range over several models is of those whose reports stand by their numbers (see `standing`).
    """
    words = [word for result in results if (word := result.caveat)]
    if not words:
        return ""
    if len(results) == 1:
        images = results[0].counts.images
        few = f", from {images:,} image{'' if images == 1 else 's'}" if words[0] == Trust.CANNOT_TELL else ""
        return f" ({words[0]}{few})"
    counted = ", ".join(f"{count} {word}" for word, count in sorted(Counter(words).items()))
    return f" (of {len(results)} models {counted})"


def dashes_of(results: Sequence[Result]) -> str:
    """The words of a caption for dashed curves; empty where none is."""
    words = sorted({result.doubt for result in results if result.doubt})
    return f" Dashed: {' or '.join(words)}, see what the report on the attack says." if words else ""


def surrogate_matrix(results: Sequence[Result]) -> Heat | None:
    """Accuracy by the surrogate that pictures were made on and the model that sees them; ``None`` for one surrogate."""
    by_surrogate: dict[str, dict[str, Score]] = {}
    for result in results:
        if result.run.surrogate and (swept := sweep(ACCURACY, result.scores)):
            by_surrogate.setdefault(result.run.surrogate.model, {})[result.name] = swept[-1]
    if len(by_surrogate) < 2:
        return None
    victims = tuple(dict.fromkeys(name for row in by_surrogate.values() for name in row))
    values = tuple(tuple(_value(row.get(victim)) for victim in victims) for row in by_surrogate.values())
    epsilon = epsilon_text(
        max(float(score.condition["epsilon"]) for row in by_surrogate.values() for score in row.values())
    )
    return Heat(
        "surrogates",
        f"What pictures made on one model leave of another's accuracy, at ε {epsilon}, in %",
        "Rows: the model that was attacked. Columns: the model that was shown the pictures. Pale: they fool it too.",
        "made on",
        victims,
        tuple(by_surrogate),
        (Layer("", values),),
        higher_is_better=True,
    )


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _steps(results: Sequence[Result]) -> Panel | None:
    """The panel of the epsilon with most numbers of steps, of such the one most models were attacked at."""
    points_by_epsilon: dict[float, int] = {}
    for result in results:
        for score in _accuracies(result):
            if "surrogate" not in score.condition:
                points_by_epsilon[score.condition["epsilon"]] = points_by_epsilon.get(score.condition["epsilon"], 0) + 1
    usual = [
        epsilon
        for epsilon, points in points_by_epsilon.items()
        if points == max(points_by_epsilon.values()) and points > len(results)
    ]
    if not usual:
        return None
    epsilon = usual[len(usual) // 2]
    measured = tuple(
        _line(result, [s for s in _accuracies(result) if s.condition["epsilon"] == epsilon], "steps")
        for result in results
    )
    published = _published(results, lambda at: at.get("epsilon") == epsilon and "surrogate" not in at, "steps")
    marks = tuple(sorted({x for line in (*measured, *published) for x in line.x}))
    unit = UNITS.get(next((each.attack for each in results[0].run.attack), ""), "steps")
    return Panel(
        f"{unit}, at ε {epsilon_text(epsilon)}", measured, published, marks, tuple(f"{mark:g}" for mark in marks)
    )


def _epsilons(results: Sequence[Result]) -> Panel | None:
    swept = [sweep(ACCURACY, result.scores) for result in results]
    if max(map(len, swept)) < 2:
        return None
    steps = next(scores[0].condition.get("steps") for scores in swept if scores)
    made_on = results[0].run.surrogate
    surrogate = made_on.model if made_on else None
    measured = tuple(_line(result, scores, "epsilon") for result, scores in zip(results, swept, strict=True))
    published = _published(results, lambda at: at.get("steps") == steps and at.get("surrogate") == surrogate, "epsilon")
    marks = tuple(sorted({x for line in measured for x in line.x}))
    names = tuple(epsilon_text(mark) if mark else "0" for mark in marks)
    return Panel(f"ε, at {steps} steps", measured, published, marks, names)


def _accuracies(result: Result) -> list[Score]:
    """Accuracies by epsilon and steps, and no others: not those at the budget that must break everything."""
    return [
        s for s in result.scores if s.metric == "accuracy" and "group" not in s.condition and "steps" in s.condition
    ]


def _line(result: Result, scores: Sequence[Score], key: str) -> Line:
    clean = [score for score in result.scores if score.metric == "clean_accuracy"]
    points = [(0.0, score) for score in clean] + [(float(score.condition[key]), score) for score in scores]
    valued = sorted(((x, s) for x, s in points if s.value is not None and s.interval), key=lambda point: point[0])
    return Line(
        result.name,
        tuple(x for x, _ in valued),
        tuple(s.value for _, s in valued if s.value is not None),
        tuple(s.interval.low for _, s in valued if s.interval),
        tuple(s.interval.high for _, s in valued if s.interval),
        doubt=result.doubt,
    )


def _published(
    results: Sequence[Result], is_counted: Callable[[Mapping[str, Any]], bool], key: str
) -> tuple[Line, ...]:
    if results[0].protocol != PUBLISHED_PROTOCOL:
        return ()
    lines = []
    for model, rows in series_beside(results, "accuracy").items():
        points = sorted((float(row.condition[key]), row.value) for row in rows if is_counted(row.condition))
        if len(points) > 1:
            lines.append(Line(model, tuple(x for x, _ in points), tuple(y for _, y in points)))
    return tuple(lines)


def strength_of_attack(results: Sequence[Result]) -> Curves | None:
    """A curve a model over steps and, where there were several, over starts; noise of the same budget thin beside."""
    attacked = [result for result in results if result.details.get("effort")]
    efforts = [(result.name, result.details["effort"] | {"doubt": result.doubt}) for result in attacked]
    panels = tuple(panel for panel in (_panel(efforts, "steps"), _panel(efforts, "starts")) if panel)
    if not panels:
        return None
    has_noise = any(effort["noise"] for _, effort in efforts)
    caption = "Share of images that are classified rightly; bands are 95 % intervals, 0 steps is without attack."
    noise = " Thin grey lines: under the best of ten random draws of the same budget." if has_noise else ""
    heading = f"An attack must leave less than noise does{_against_noise(efforts)}" if has_noise else _leaves(efforts)
    heading += doubts_of(attacked)
    return Curves(
        "attack_effort",
        "Was it an attack? Accuracy against steps, starts and noise",
        heading,
        caption + noise + dashes_of(attacked),
        panels,
        "accuracy ↑ better",
        beside="noise of the same budget",
    )


def _leaves(efforts: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """A sentence on the accuracy that the whole effort leaves, over the models."""
    believed = [effort for _, effort in efforts if not effort["doubt"]] or [effort for _, effort in efforts]
    values = [100 * effort["steps"][-1][1] for effort in believed if effort["steps"]]
    if not values:
        return "Accuracy by effort of the attack"
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"The whole attack leaves {low if low == high else f'{low} to {high}'} %"


def _against_noise(efforts: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """A sentence on what attack and noise leave, where one model is shown."""
    if len(efforts) != 1 or not efforts[0][1]["noise"]:
        return ""
    effort = efforts[0][1]
    return f": {100 * effort['steps'][-1][1]:.0f} % against {100 * effort['noise'][0]:.0f} %"


def _panel(efforts: Sequence[tuple[str, dict[str, Any]]], kind: str) -> Panel | None:
    curves = [(name, effort) for name, effort in efforts if len(effort[kind]) > 1]
    if not curves:
        return None
    lines = tuple(
        Line(name, *(tuple(column) for column in zip(*effort[kind], strict=True)), doubt=effort["doubt"])
        for name, effort in curves
    )
    marks = tuple(sorted({x for line in lines for x in line.x}))
    noise = tuple(
        Line(f"noise on {name}", (marks[0], marks[-1]), (effort["noise"][0],) * 2)
        for name, effort in curves
        if effort["noise"]
    )
    epsilons = dict.fromkeys(epsilon_text(effort["epsilon"]) for _, effort in curves)
    what = kind if kind == "starts" else " or ".join(dict.fromkeys(effort["unit"] for _, effort in curves))
    label = f"{what}, at ε {' and '.join(epsilons)}"
    members = {number: name for _, effort in curves for number, name in enumerate(effort["members"], start=1)}
    names = {0: "none", **members} if kind == "steps" and members else {}
    return Panel(label, lines, noise, marks, tuple(names.get(int(mark), f"{mark:g}") for mark in marks))
