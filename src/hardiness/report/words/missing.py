"""Why rules of a policy have no number, in words."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.codes import Missing
from hardiness.core.errors import suggestion
from hardiness.core.fact import Fact
from hardiness.distortions.levels import number_text
from hardiness.report.words import Words, says, text


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
def no_headline(fact: Fact, benchmark: str, metric: str, of_part: str) -> Words:
    """As of the code."""
    told = f"partial: only a part of {benchmark} was evaluated, which has no headline {metric}"
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
