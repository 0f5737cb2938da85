"""Words of a page's first screen: a title with what is sure, a verdict under each column, the next command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hardiness.core.result import Score
from hardiness.core.spread import Interval
from hardiness.report.marks import RANDOM_WEIGHTS
from hardiness.report.standings import Lead, Precedence, Standing
from hardiness.statistics.comparison import FEWEST

SHOWN_MOST = 12
"""Models that the chart shows at once; what comes after them is folded."""

NAMES_IN_TITLE, NAMES_IN_VERDICT, NAMES_IN_LEAD = 2, 2, 6
"""Names that a sentence takes; of more it gives the number."""

CLAIMS_IN_TITLE = 3
"""Sure results that a title takes."""

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def _from_to(counts: Iterable[int]) -> str:
    """The counts as one number, or from the least to the largest."""
    least, *others = sorted(set(counts))
    return f"{least:,} to {others[-1]:,}" if others else f"{least:,}"


def share_text(share: Score) -> str:
    """A share in percent; no share of some is shown as all or as none."""
    text = f"{100 * share.number:.0f}"
    return ">99" if text == "100" and share.number < 1 else "<1" if text == "0" and share.number > 0 else text


@dataclass(frozen=True)
class ScreenColumn:
    """One column of the chart.

    Attributes:
        title: its heading, e.g. ``Clean``.
        where: the same at the end of a sentence, e.g. ``on clean photographs``.
        source: the benchmark, and what of it.
        points: the share of answers that are right, by model.
        standing: of the models that are ranked.
        twins: models of which each is one run with another that is ranked, with that one.
        same_run: why they are.
        unranked: by model, why it is not ranked though it has a number.
        anchor: of its section.
        pairs: what holds of two models, the first of the page first, as the end of a sentence that begins with it.
        is_attack: whether its pictures were attacked.
        note: the words of its verdict, where its numbers are of other pictures for each model.
        are_scores: whether its numbers are mean scores of pictures, and no shares of right answers.
        undefined: models that were run and have no number.
    """

    title: str
    where: str
    source: str
    points: Mapping[str, Score]
    standing: Standing
    twins: Mapping[str, str] = field(default_factory=dict)
    same_run: str = ""
    unranked: Mapping[str, str] = field(default_factory=dict)
    anchor: str = ""
    pairs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    is_attack: bool = False
    note: str = ""
    are_scores: bool = False
    undefined: frozenset[str] = frozenset()

    @property
    def n(self) -> str:
        """How many images its numbers rest on, and how many clusters these come in."""
        clusters = {point.clusters for point in self.points.values()}
        text = f"n = {_from_to(point.n for point in self.points.values())}"
        return f"{text} in {_from_to(clusters)} clusters" if all(clusters) else text

    @property
    def by_clusters(self) -> bool:
        """Whether its intervals are by clusters."""
        return all(point.clusters for point in self.points.values())

    @property
    def images(self) -> int:
        """The fewest images of a model."""
        return min(point.n for point in self.points.values())

    @property
    def is_judged(self) -> bool:
        """Whether there are two models or more that could be told apart."""
        return len(self.standing.models) > 1

    @property
    def serious(self) -> dict[str, Score]:
        """The points of networks that were trained; all where there is none."""
        trained = {m: point for m, point in self.points.items() if self.unranked.get(m) != RANDOM_WEIGHTS}
        return trained or dict(self.points)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The words under a column: the first ones are strong, and ``tone`` is ``sure``, ``open`` or ``plain``."""

    tone: str
    strong: str
    rest: str = ""


def title_of(columns: Sequence[ScreenColumn], models: Sequence[str]) -> str:
    """The sure result in a sentence or two: who is ahead of whom, and where.

    Args:
        columns: of the chart.
        models: all that the page shows.
    """
    if not columns:
        return f"{_capital(_counted(models, 'model'))} evaluated"
    if len(models) == 1:
        return _title_of_one(columns, models[0])
    judged = [column for column in columns if column.is_judged]
    if not judged:
        doubts = {point.doubt for column in columns for point in column.points.values()} - {""}
        return f"No two models can be ranked{f': the attack is {listed(sorted(doubts))}' if doubts else ''}."
    claims = _claims(judged)
    if not claims:
        return "No model is ahead of another beyond chance."
    texts = _winners(claims) or [
        f"{_clause(claim, NAMES_IN_TITLE)} {listed([column.where for column in held])}" for claim, held in claims
    ]
    text = "; ".join(texts[:CLAIMS_IN_TITLE])
    rest = " The rest is too close to call." if _leaves_rest(judged, claims) else ""
    return f"{_capital(text)}.{rest}"


def lead_of(columns: Sequence[ScreenColumn], models: Sequence[str]) -> str:
    """By how much and how surely, then how many answers are right where nothing is told apart."""
    if len(models) < 2:
        return ""
    judged = [column for column in columns if column.is_judged]
    sentences = []
    claims = _claims(judged)
    for claim, held in claims[:CLAIMS_IN_TITLE]:  # the others stand under their columns
        for column in held:
            own = column.standing.claim
            assert own is not None, "a column that holds a claim has one"
            place = "" if len(claims) == 1 == len(held) else f"{_capital(column.where)}: "
            who = _who(claim) if column is held[0] else ""
            amount = amount_of(own.leads, by_clusters=column.by_clusters)
            sentences.append(_capital(f"{place}{who or 'ahead'} by {amount}."))
    trained = "trained models' " if any(len(column.serious) < len(column.points) for column in columns) else "the "
    open_ranges = [(column, text) for column in columns if (text := _range(column)) and not column.standing.claim]
    parts = [
        f"{_small(column.title) if place else column.title}, {text}"
        f"{'' if place or column.are_scores else f' of {trained}answers are right'}"
        f"{_doubts_of(column)}"
        for place, (column, text) in enumerate(open_ranges)
    ]
    return " ".join([*sentences, *([f"{'; '.join(parts)}."] if parts else [])])


def verdict_of(column: ScreenColumn) -> Verdict:
    """The verdict on a column: who is ahead beyond chance, and how far its numbers can be believed."""
    if column.note:
        return Verdict("plain", column.note, "The interval knows that it is the worst of several.")
    claim, remarks = column.standing.claim, [*_same_runs(column), *_not_ranked(column)]
    photographs = _counted_number(column.images, "photograph")
    if claim is not None:
        behind = "" if len(claim.behind) == 1 or not claim.is_first else f"ahead of {_names(claim.behind, 3)} "
        shares = claim.is_first and len(claim.ahead) > 1 and len(claim.behind) > 1
        rest = f"{behind if shares else ''}by {span_of(claim.leads)}."
        more = "" if claim.is_all else " Others are told apart too: see the section."
        return Verdict("sure", _capital(_clause(claim, NAMES_IN_VERDICT)), " ".join([rest, *remarks]) + more)
    if column.is_judged:
        if column.is_attack and all(point.value == 0 for point in column.serious.values()):
            return Verdict("open", "All broken.", " ".join([f"{photographs}.", *remarks]))
        shown = {share_text(point) for point in column.serious.values()}
        has_intervals = any(point.interval for point in column.serious.values())
        why = "No interval is known." if not has_intervals else "They differ within chance."
        if has_intervals and len(shown) == 1:
            why = f"All have {shown.pop()} %."
        few = f"{photographs} {'is' if column.images == 1 else 'are'} too few." if column.images < FEWEST else ""
        return Verdict("open", "Not told apart.", " ".join([few or why, *remarks]))
    return _verdict_of_few(column, photographs)


def _verdict_of_few(column: ScreenColumn, photographs: str) -> Verdict:
    """The verdict where fewer than two models are ranked."""
    same_runs = _same_runs(column)
    doubts = Counter(point.doubt for point in column.serious.values() if point.doubt)
    if doubts and sum(doubts.values()) == len(column.serious):
        several = len(doubts) > 1
        counted = " or ".join(f"{word} ({count})" if several else word for word, count in sorted(doubts.items()))
        if all(point.value == 0 for point in column.serious.values()):
            return Verdict("open", "All broken.", " ".join([f"The attack is {counted}; {photographs}.", *same_runs]))
        nothing = ["Nothing is ranked."] if len(column.points) > 1 else []
        return Verdict("open", f"Attack {counted}.", " ".join([*nothing, f"{_capital(photographs)}.", *same_runs]))
    remarks = [*same_runs, *_not_ranked(column)]
    if len(column.points) == 1:
        (point,) = column.points.values()
        by = " by clusters" if column.by_clusters else ""
        between = f"95 % interval{by} {_percent(point.interval)}; " if point.interval else ""
        return Verdict(
            "plain",
            f"{share_text(point)} %{'' if column.are_scores else ' right'}.",
            " ".join([f"{_capital(between + photographs)}.", *remarks]),
        )
    return Verdict("plain", "Nothing to rank.", " ".join([f"{photographs}.", *remarks]))


def foot_of(columns: Sequence[ScreenColumn], order: str) -> list[str]:
    """The legend, and what to know of models that mean nothing.

    Args:
        columns: of the chart.
        order: by what the models are in order; empty where they are in none.
    """
    points = [point for column in columns for point in column.points.values()]
    kinds = {
        column.are_scores: "mean score" if column.are_scores else "share of answers that are right"
        for column in columns
    }
    by_clusters = ", by clusters" if all(column.by_clusters for column in columns) else ""
    sentences = [f"Dot: {' or '.join(kinds.values())}. Bar: 95 % interval{by_clusters}. More is better everywhere."]
    if any(point.doubt for point in points):
        sentences.append("Hollow: the attack is withdrawn, was not checked or was too short.")
    models = {model for column in columns for model in (*column.points, *column.undefined)}
    whys = [
        *(["not run"] if any(models - column.points.keys() - column.undefined for column in columns) else []),
        *(["no number is defined"] if any(column.undefined for column in columns) else []),
    ]
    if whys:
        sentences.append(f"Dash: {' or '.join(whys)}.")
    if any(column.standing.claim for column in columns):
        sentences.append("Two models are told apart on the photographs that both have, also where their bars overlap.")
    if order:
        sentences.append(f"Order: {order}.")
    return sentences


def random_weights_sentence(names: Sequence[str]) -> str:
    """The sentence on networks that nobody trained; empty where there is none."""
    if not names:
        return ""
    have, their = ("has", "its") if len(names) == 1 else ("have", "their")
    return f"{_capital(_names(names, 3))} {have} random weights: {their} answers mean nothing."


def amount_of(leads: Sequence[Lead], *, in_points: bool = True, by_clusters: bool = False) -> str:
    """``10.1 points (95 % interval 1.2 to 21.3)``; of several the ends, and the interval that holds all of theirs.

    Args:
        leads: at least one.
        in_points: whether their values are shares; others are numbers in a unit of their own.
        by_clusters: whether their intervals are by clusters, which is then said.
    """
    text = span_of(leads, in_points=in_points)
    intervals = [lead.interval for lead in leads if lead.interval is not None]
    if len(intervals) < len(leads):
        return text
    number = _points if in_points else _in_own_unit
    bounds = dict.fromkeys(f"{number(each.low)} to {number(each.high)}" for each in intervals)
    by = " by clusters" if by_clusters else ""
    if len(bounds) == 1:
        return f"{text} (95 % interval{by} {next(iter(bounds))})"
    ends = f"{number(min(each.low for each in intervals))} to {number(max(each.high for each in intervals))}"
    return f"{text} (95 % intervals{by} within {ends})"


def span_of(leads: Sequence[Lead], *, in_points: bool = True) -> str:
    """``10.1 points``, or from where to where several leads go; arguments as of `amount_of`."""
    number, unit = (_points, " points") if in_points else (_in_own_unit, "")
    low, high = (number(bound(lead.points for lead in leads)) for bound in (min, max))
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def pair_text(difference: float, interval: Interval | None, *, is_apart: bool, by_clusters: bool = False) -> str:
    """The words on a first model's share less a second's: by how much, how surely, and whether that is told apart."""
    points = f"{_points(abs(difference) if is_apart else difference)} points"
    if interval and is_apart and difference < 0:
        interval = Interval(-interval.high, -interval.low)
    by = " by clusters" if by_clusters else ""
    between = f" (95 % interval{by} {_points(interval.low)} to {_points(interval.high)})" if interval else ""
    if is_apart:
        return f"{'ahead' if difference > 0 else 'behind'} by {points}{between}"
    return f"not told apart, {points}{between}"


def listed(texts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last


def _title_of_one(columns: Sequence[ScreenColumn], model: str) -> str:
    parts = [
        f"{share_text(point)} %{' right' if place == 0 and not column.are_scores else ''} {column.where}"
        f"{f' ({point.doubt})' if point.doubt else ''}"
        for place, column in enumerate(columns)
        for point in column.points.values()
    ]
    return f"{model}: {listed(parts)}."


def _claims(judged: Sequence[ScreenColumn]) -> list[tuple[Precedence, list[ScreenColumn]]]:
    """The claims of columns, each once with those that it holds in."""
    claims: list[tuple[Precedence, list[ScreenColumn]]] = []
    for column in judged:
        own = column.standing.claim
        if own is None:
            continue
        for claim, held in claims:
            if (claim.ahead, set(claim.behind), claim.is_first) == (own.ahead, set(own.behind), own.is_first):
                held.append(column)
                break
        else:
            claims.append((own, [column]))
    return claims


def _winners(claims: Sequence[tuple[Precedence, list[ScreenColumn]]]) -> list[str]:
    """``a is ahead on clean photographs``, ``b under attack``, where each column has one winner; else nothing."""
    if len(claims) < 2 or not all(claim.is_first and len(claim.ahead) == 1 for claim, _ in claims):
        return []
    places: dict[str, list[str]] = {}
    for claim, columns in claims:
        places.setdefault(claim.ahead[0], []).extend(column.where for column in columns)
    (first, held), *others = places.items()
    return [", ".join([f"{first} is ahead {listed(held)}", *(f"{model} {listed(where)}" for model, where in others)])]


def _leaves_rest(judged: Sequence[ScreenColumn], claims: Sequence[tuple[Precedence, list[ScreenColumn]]]) -> bool:
    """Whether two models or more are left that nothing tells apart, and all that is told apart is named."""
    if len(claims) > CLAIMS_IN_TITLE:
        return False
    standings = [column.standing for column in judged]
    all_named = all(standing.claim is None or standing.claim.is_all for standing in standings)
    pairs = [len(standing.models) * (len(standing.models) - 1) // 2 for standing in standings]
    return all_named and any(count > len(standing.leads) for count, standing in zip(pairs, standings, strict=True))


def _clause(claim: Precedence, most: int) -> str:
    """Who is ahead of whom, with at most so many names of a side."""
    ahead, behind = claim.ahead, claim.behind
    if claim.is_first and len(behind) == 1 and len(ahead) > 2:
        return f"{behind[0]} is behind {_all_others(ahead)}"
    if claim.is_first and len(ahead) == 1 and len(behind) > 1:
        return f"{ahead[0]} is ahead of {_all_others(behind)}"
    if claim.is_first and len(ahead) > 1 and len(behind) > 1:
        return f"{_names(ahead, most)} share the lead"
    return f"{_names(ahead, most)} {'is' if len(ahead) == 1 else 'are'} ahead of {_names(behind, most, 'other')}"


def _all_others(models: Sequence[str]) -> str:
    return "both others" if len(models) == 2 else f"all {len(models)} others"


def _who(claim: Precedence) -> str:
    """The names that the clause of a title counted; empty where it named all."""
    shares = claim.is_first and len(claim.ahead) > 1 and len(claim.behind) > 1
    if len(claim.ahead) <= NAMES_IN_TITLE and len(claim.behind) <= NAMES_IN_TITLE and not shares:
        return ""
    if claim.is_first and (len(claim.ahead) == 1 or len(claim.behind) == 1):
        return ""
    if not shares and min(len(claim.ahead), len(claim.behind)) > NAMES_IN_LEAD:
        return ""  # it would count them once more
    return (
        f"{_names(claim.ahead, NAMES_IN_LEAD)} {'is' if len(claim.ahead) == 1 else 'are'} ahead of "
        f"{_names(claim.behind, NAMES_IN_LEAD, 'other')}"
    )


def _same_runs(column: ScreenColumn) -> list[str]:
    """Which models are one run."""
    by_run: dict[str, list[str]] = {}
    for model, other in column.twins.items():
        by_run.setdefault(other, []).append(model)
    return [f"{listed([other, *names])} are the same run: {column.same_run}." for other, names in by_run.items()]


def _not_ranked(column: ScreenColumn) -> list[str]:
    """Which models are not ranked, and why."""
    by_reason: dict[str, list[str]] = {}
    for model, reason in column.unranked.items():
        by_reason.setdefault(reason, []).append(model)
    texts = [
        f"{names[0] if len(names) == 1 else len(names)} ({reason})"
        for reason, names in by_reason.items()
        if reason != RANDOM_WEIGHTS
    ]
    return [f"Not ranked: {listed(texts)}."] if texts else []


def _range(column: ScreenColumn) -> str:
    """From where to where the answers are right; empty where one model alone has a number."""
    points = sorted(column.serious.values(), key=lambda point: point.number)
    if len(points) < 2:
        return ""
    if points[-1].value == 0:
        return "none"
    ends = dict.fromkeys((share_text(points[0]), share_text(points[-1])))
    return f"{' to '.join(ends)} %"


def _doubts_of(column: ScreenColumn) -> str:
    """The words of doubt about a column's numbers, in brackets; empty where there are none."""
    words = sorted({point.doubt for point in column.serious.values()} - {""})
    return f" ({' or '.join(words)})" if words else ""


def _names(names: Sequence[str], most: int, what: str = "model") -> str:
    return listed(names) if len(names) <= most else _counted(names, what)


def _counted(things: Sequence[str], what: str) -> str:
    return _counted_number(len(things), what)


def _counted_number(count: int, what: str) -> str:
    number = NUMBERS[count] if count < len(NUMBERS) and what in ("model", "other") else f"{count:,}"
    return f"{number} {what}{'' if count == 1 else 's'}"


def _points(value: float) -> str:
    text = f"{100 * value:.1f}"
    return text.replace("-", "−") if float(text) else "0"


def _in_own_unit(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _percent(interval: Interval) -> str:
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"


def _capital(text: str) -> str:
    """A sentence's beginning; a model's name stays as it is."""
    return text[:1].upper() + text[1:] if text.split(" ")[0] in {*NUMBERS, "on", "under", "95", "ahead", "by"} else text


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
