"""Why rules of a policy have no number, in words."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.codes import Missing
from hardiness.core.columns import pictures_text
from hardiness.core.errors import suggestion
from hardiness.core.fact import Fact
from hardiness.distortions.levels import number_text
from hardiness.report.words import Words, plain, says, text
from hardiness.results.policy import quoted

plain(Missing.NO_MEAN, "{metric} is no mean over pictures that a part of them could have")
plain(Missing.NOT_COMPARED, "{metric} is no score that two runs are compared by on the same pictures")
plain(Missing.BASELINE_CONDITIONS, "the baseline was run under other conditions")
plain(Missing.NOTHING_SHARED, "the baseline shares no picture and condition")
plain(Missing.NO_VARIATION, "too few pictures to know how much it varies")


@says(Missing.UNDEFINED)
def undefined(fact: Fact, why: Fact) -> Words:
    """As of the code."""
    return f"undefined: {text(why)}"


@says(Missing.NO_INTERVAL)
def no_interval(fact: Fact, why: Fact | None, of_difference: bool) -> Words:
    """As of the code."""
    what = "no interval of the difference" if of_difference else "no interval"
    return f"{what}: {text(why) if why else 'none is defined for this score'}"


@says(Missing.NO_SUCH)
def no_such(fact: Fact, field: str, value: str) -> Words:
    """As of the code."""
    return f"no {field} {value!r} in this run"


@says(Missing.NO_RUN)
def no_run(fact: Fact, benchmark: str) -> Words:
    """As of the code."""
    return f"no run of {benchmark}; run it, or say model = of the rule"


@says(Missing.OF_BASELINE)
def of_baseline(fact: Fact, why: Fact) -> Words:
    """As of the code."""
    return f"the baseline's number: {text(why)}"


@says(Missing.NO_CLUSTERS)
def no_clusters(fact: Fact, data: str, column: str) -> Words:
    """As of the code."""
    return f"the pictures of {data} have no column {column}, which says the clusters; give a table that has it"


@says(Missing.REFUSED)
def refused(fact: Fact, line: str) -> Words:
    """As of the code."""
    return f"the network was refused: {line}"


@says(Missing.DOUBTED)
def doubted(fact: Fact, doubt: str) -> Words:
    """As of the code."""
    return f"{doubt}: the report on the attack does not stand by the number"


@says(Missing.PARTIAL)
def cut_off(fact: Fact, images: int, requested: int) -> Words:
    """As of the code."""
    return f"partial: {images:,} of {requested:,} images were evaluated; the same 'hardiness run' continues"


@says(Missing.NO_HEADLINE)
def no_headline(fact: Fact, benchmark: str, metric: str, of_part: str, failed: int = 0) -> Words:
    """As of the code."""
    which = f" (failed images: {failed:,})" if failed else ""
    told = f"partial: only a part of {benchmark} was evaluated{which}, which has no {metric}"
    return f'{told}: run the whole, or write metric = "{of_part}"'


@says(Missing.LEVEL_NOT_RUN)
def level_not_run(fact: Fact, corruption: str, level: str, benchmark: str, value: float) -> Words:
    """As of the code."""
    option = f"{benchmark}:corruptions={corruption},levels={number_text(value)}"
    return f"{corruption} was not run at {level}; run -b {option}"


@says(Missing.MOVES_MORE)
def moves_more(fact: Fact, picture: str, moves: float, moves_at_most: float, in_percent: bool) -> Words:
    """As of the code."""
    scale, unit = (100.0, " points") if in_percent else (1.0, "")
    return (
        f"moves_at_most is {scale * moves_at_most:g}{unit}, and picture {picture} moves the score by "
        f"{scale * moves:.3g}{unit}: state more, or leave it out"
    )


@says(Missing.NO_SUCH_PICTURE)
def no_such_picture(fact: Fact, values: Sequence[tuple[str, str]], known: Sequence[str] = ()) -> Words:
    """As of the code; of a value that no picture has at all, the values that there are."""
    named = ", ".join(f"{column} {value!r}" for column, value in values)
    return f"no picture with {named}{suggestion(values[0][1], known) if known else ''}"


@says(Missing.INCOMPLETE)
def incomplete(fact: Fact, values: Sequence[tuple[str, str]] = ()) -> Words:
    """As of the code."""
    slice_text = " and ".join(f"{column} {value!r}" for column, value in values)
    return f"no picture {f'with {slice_text} ' if values else ''}was evaluated under every condition"


@says(Missing.METRIC_FAILED)
def metric_failed(fact: Fact, metric: str, why: Fact) -> Words:
    """As of the code."""
    return f"the metric {metric} failed: {text(why)}"


@says(Missing.BASELINE_UNREAD)
def baseline_unread(fact: Fact, why: Fact) -> Words:
    """As of the code."""
    return f"baseline: {text(why)}"


@says(Missing.BASELINE_HAS_NONE)
def baseline_has_none(
    fact: Fact,
    baseline: str,
    model: str,
    benchmark: str,
    models: Sequence[str] = (),
    run: str = "",
    runs: Sequence[str] = (),
) -> Words:
    """As of the code."""
    told = f"the baseline {baseline} has no run {f'{run} ' if run else ''}of {model} on {benchmark}"
    if run:
        return f"{told}; it has {', '.join(runs)}"
    return f"{told}; it has {', '.join(models)}: name it, as in against_model = {quoted(models[0])}" if models else told


@says(Missing.BASELINE_DIFFERS)
def baseline_differs(fact: Fact, baseline: str, fields: Sequence[tuple[str, str, str]]) -> Words:
    """As of the code."""
    return f"the baseline {baseline} differs in " + "; ".join(
        f"{name} ({here} here, {there} there)" for name, here, there in fields
    )


@says(Missing.BASELINE_SEVERAL)
def baseline_several(fact: Fact, baseline: str, model: str, benchmark: str, runs: Sequence[tuple[str, str]]) -> Words:
    """As of the code."""
    names = ", ".join(f"{key} ({label})" for key, label in runs)
    return (
        f"the baseline {baseline} has {len(runs)} runs of {model} on {benchmark}, and nothing says which was evaluated "
        f"last: {names}; name one, as in against_run = {quoted(runs[0][0])}"
    )


@says(Missing.BASELINE_COLUMN)
def baseline_column(fact: Fact, baseline: str, column: str, pictures: Sequence[str]) -> Words:
    """As of the code."""
    return f"the baseline {baseline} has another {column} of {pictures_text(pictures)}: each must have one in both"


@says(Missing.JUDGED_WHOLE)
def judged_whole(fact: Fact, kind: str) -> Words:
    """As of the code."""
    names = {
        "moves_at_most": "a rule with moves_at_most",
        "slices": "a rule on slices",
        "levels": "a rule on the levels of a corruption",
    }
    return f"{names.get(kind, kind)} is judged on all of the pictures"


@says(Missing.STOPPED_EARLY)
def stopped_early(fact: Fact, why: Fact | None) -> Words:
    """As of the code; without a reason of a rule whose pictures come in clusters."""
    because = text(why) if why else "looks at single pictures say nothing of clusters"
    return (
        f"this run was stopped where rules were decided, and {because}; the same 'hardiness run' without "
        "--until-decided evaluates the rest"
    )
