"""The words of the first screen, case by case: nothing is said that was not tested, and no pair that was not told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hardiness.core.result import Score
from hardiness.core.spread import Interval, Spread
from hardiness.report.first_screen import (
    RANDOM_WEIGHTS,
    ScreenColumn,
    foot_of,
    lead_of,
    random_weights_sentence,
    share_text,
    title_of,
    verdict_of,
)
from hardiness.report.standings import Lead, Standing
from hardiness.statistics.spreads.combined import TwoEnds

WHERE = {"Clean": "on clean photographs", "Corrupted": "under corruptions", "Attacked": "under attack"}
LEAD = Lead(0.101, Interval(0.012, 0.213))


def share(value: float, n: int, spread: Spread | None = None, doubt: str = "") -> Score:
    return Score("top1", value, "fraction", n, spread, doubt=doubt)


def column(
    title: str,
    values: Mapping[str, float],
    *told: str,
    n: int = 99,
    doubts: Mapping[str, str] | None = None,
    leads: Mapping[str, Lead] | None = None,
    **more: Any,
) -> ScreenColumn:
    """A column; ``told`` are pairs as ``"a>b"``."""
    doubts = doubts or {}
    points = {
        name: share(value, n, TwoEnds(value, max(0.0, value - 0.1), min(1.0, value + 0.1)), doubts.get(name, ""))
        for name, value in values.items()
    }
    unranked = {**doubts, **more.pop("unranked", {})}
    ranked = [name for name in values if name not in unranked and name not in more.get("twins", {})]
    pairs = {tuple(pair.split(">")): (leads or {}).get(pair, LEAD) for pair in told}
    standing = Standing(tuple(sorted(ranked, key=lambda name: -values[name])), pairs)  # type: ignore[arg-type]
    attacked = title == "Attacked"
    return ScreenColumn(
        title, WHERE[title], title.lower(), points, standing, unranked=unranked, is_attack=attacked, **more
    )


THREE = {"a": 0.9, "b": 0.8, "c": 0.7}


def test_nobody_is_ahead() -> None:
    columns = [column("Clean", THREE), column("Corrupted", THREE, n=5)]
    assert title_of(columns, "abc") == "No model is ahead of another beyond chance."
    assert lead_of(columns, "abc") == "Clean, 70 to 90 % of the answers are right; corrupted, 70 to 90 %."
    assert verdict_of(columns[0]).strong == "Not told apart."
    assert verdict_of(columns[0]).rest == "They differ within chance."
    assert verdict_of(columns[1]).rest == "5 photographs are too few."
    assert {verdict_of(each).tone for each in columns} == {"open"}


def test_equal_numbers_do_not_differ() -> None:
    assert verdict_of(column("Clean", {"a": 1.0, "b": 1.0})).rest == "All have 100 %."


def test_the_legend_says_why_bars_of_models_that_are_told_apart_may_overlap() -> None:
    overlap = "also where their bars overlap"
    assert any(overlap in sentence for sentence in foot_of([column("Clean", THREE, "a>c")], ""))
    assert not any(overlap in sentence for sentence in foot_of([column("Clean", THREE)], ""))


def test_one_is_ahead_everywhere() -> None:
    told = ("a>b", "a>c")
    columns = [column("Clean", THREE, *told), column("Corrupted", THREE, *told), column("Attacked", THREE, *told)]
    title = "a is ahead of both others on clean photographs, under corruptions and under attack."
    assert title_of(columns, "abc") == f"{title} The rest is too close to call."
    assert title_of([column("Clean", THREE, *told, "b>c")], "abc") == "a is ahead of both others on clean photographs."
    assert "On clean photographs: ahead by 10.1 points (95 % interval 1.2 to 21.3)." in lead_of(columns, "abc")


def test_one_is_ahead_of_one() -> None:
    columns = [column("Clean", {"a": 0.9, "b": 0.8}, "a>b")]
    assert title_of(columns, "ab") == "a is ahead of b on clean photographs."
    assert lead_of(columns, "ab") == "Ahead by 10.1 points (95 % interval 1.2 to 21.3)."
    assert verdict_of(columns[0]).strong == "a is ahead of b"
    assert (verdict_of(columns[0]).tone, verdict_of(columns[0]).rest) == ("sure", "by 10.1 points.")


def test_several_share_the_lead() -> None:
    values = {"a": 0.9, "b": 0.89, "c": 0.7, "d": 0.6}
    leads = {"b>d": Lead(0.29, Interval(0.2, 0.4))}
    shared = column("Clean", values, "a>c", "a>d", "b>c", "b>d", leads=leads)
    assert title_of([shared], "abcd") == "a and b share the lead on clean photographs. The rest is too close to call."
    assert lead_of([shared], "abcd") == (
        "a and b are ahead of c and d by 10.1 to 29.0 points (95 % intervals within 1.2 to 40.0)."
    )
    assert verdict_of(shared).rest == "ahead of c and d by 10.1 to 29.0 points."
    five = {**values, "e": 0.5}
    many = column("Clean", five, *(f"{ahead}>{behind}" for ahead in "abc" for behind in "de"))
    assert title_of([many], "abcde").startswith("Three models share the lead on clean photographs.")


def test_one_is_behind_all_others() -> None:
    last = column("Clean", {**THREE, "d": 0.1}, "a>d", "b>d", "c>d")
    assert title_of([last], "abcd").startswith("d is behind all 3 others on clean photographs.")


def test_another_one_is_ahead_in_each_column() -> None:
    columns = [column("Clean", THREE, "a>b", "a>c"), column("Corrupted", THREE, "b>a", "b>c"),
               column("Attacked", THREE, "c>a", "c>b")]  # fmt: skip
    assert title_of(columns, "abc").startswith("a is ahead on clean photographs, b under corruptions, c under attack.")


def test_what_is_not_transitive_names_only_pairs_that_are_told_apart() -> None:
    """The demo: two of three are ahead of the last one, and the third is told from nobody."""
    demo = {"lite0": 0.97, "lite1": 0.97, "lite2": 0.96, "squeezenet": 0.87}
    columns = [column("Clean", demo, "lite0>squeezenet", "lite1>squeezenet")]
    title = title_of(columns, list(demo))
    assert title == "lite0 and lite1 are ahead of squeezenet on clean photographs. The rest is too close to call."
    assert "lite2" not in title + lead_of(columns, list(demo)) + verdict_of(columns[0]).strong
    chain = column("Clean", {"a": 0.9, "b": 0.85, "c": 0.8, "d": 0.6}, "a>c", "a>d", "b>d")
    assert title_of([chain], "abcd") == "a and b are ahead of d on clean photographs."
    assert "rest is too close" not in title_of([chain], "abcd"), "a and c are told apart, and not named"
    assert verdict_of(chain).rest.endswith("Others are told apart too: see the section.")


def test_of_twenty_models_both_sides_are_counted_once() -> None:
    values = {f"m{place:02d}": 0.9 - 0.02 * place for place in range(20)}
    names = list(values)
    apart = [f"{better}>{worse}" for better in names[:9] for worse in names[11:]]
    chart = column("Clean", values, *apart)
    assert title_of([chart], names) == (
        "Nine models are ahead of nine others on clean photographs. The rest is too close to call."
    )
    assert lead_of([chart], names).startswith("Ahead by 10.1 points")


def test_without_intervals_nothing_is_said_to_be_within_chance() -> None:
    published = replace(column("Corrupted", THREE), points={name: share(v, 50_000) for name, v in THREE.items()})
    assert verdict_of(published).rest == "No interval is known."
    assert verdict_of(column("Corrupted", THREE)).rest == "They differ within chance."


def test_a_lead_repeats_no_more_claims_than_a_title_takes() -> None:
    charts = [
        replace(column("Clean", THREE, pair), where=f"on set {place}")
        for place, pair in enumerate(("a>b", "a>c", "b>c", "b>a"))
    ]
    assert lead_of(charts, "abc").count("ahead") == 3


def test_where_an_attack_is_not_believed_nothing_is_ranked() -> None:
    left = {"a": 0.62, "b": 0.5}
    unchecked = column("Attacked", left, n=8, doubts=dict.fromkeys("ab", "not checked"))
    assert title_of([unchecked], "ab") == "No two models can be ranked: the attack is not checked."
    assert verdict_of(unchecked).strong == "Attack not checked."
    assert verdict_of(unchecked).rest == "Nothing is ranked. 8 photographs."
    assert lead_of([unchecked], "ab") == "Attacked, 50 to 62 % of the answers are right (not checked)."
    mixed = column("Attacked", left, n=8, doubts={"a": "withdrawn", "b": "not checked"})
    assert verdict_of(mixed).strong == "Attack not checked (1) or withdrawn (1)."
    zero = column("Attacked", {"a": 0.0, "b": 0.0}, n=8, doubts=dict.fromkeys("ab", "not checked"))
    assert verdict_of(zero).strong == "All broken.", "what falls is fallen, however little was checked"
    assert verdict_of(zero).rest == "The attack is not checked; 8 photographs."
    assert lead_of([zero], "ab") == "Attacked, none of the answers are right (not checked)."
    one = column("Attacked", THREE, "b>c", n=300, doubts={"a": "withdrawn"})
    assert title_of([one], "abc") == "b is ahead of c under attack."
    assert verdict_of(one).rest == "by 10.1 points. Not ranked: a (withdrawn)."
    assert any("Hollow" in sentence for sentence in foot_of([one], ""))


def test_random_weights_are_in_no_sentence_but_their_own() -> None:
    values = {"a": 0.9, "b": 0.8, "random": 0.0}
    columns = [column("Clean", values, "a>b", unranked={"random": RANDOM_WEIGHTS}),
               column("Corrupted", values, n=5, unranked={"random": RANDOM_WEIGHTS})]  # fmt: skip
    words = " ".join([title_of(columns, "abr"), lead_of(columns, "abr"), *map(str, map(verdict_of, columns))])
    assert "random" not in words
    text = "Corrupted, 80 to 90 % of trained models' answers are right."
    assert lead_of(columns, "abr").endswith(text), "nor does it make a range, which says so"
    assert random_weights_sentence(["random"]) == "random has random weights: its answers mean nothing."
    assert random_weights_sentence(["r", "s"]) == "r and s have random weights: their answers mean nothing."
    assert random_weights_sentence([]) == ""


def test_one_model() -> None:
    columns = [column("Clean", {"a": 0.97}), column("Attacked", {"a": 0.0}, n=8, doubts={"a": "not checked"})]
    assert title_of(columns, "a") == "a: 97 % right on clean photographs and 0 % under attack (not checked)."
    assert lead_of(columns, "a") == ""
    assert verdict_of(columns[0]).strong == "97 % right."
    assert verdict_of(columns[0]).rest == "95 % interval 87 to 100 %; 99 photographs."


def test_two_names_of_one_run_are_said_and_not_ranked() -> None:
    values = {"a": 0.9, "a @160": 0.9, "b": 0.5}
    both = column("Corrupted", values, "a>b", twins={"a @160": "a"}, same_run="imagenet-c sets its own picture size")
    assert title_of([both], list(values)) == "a is ahead of b under corruptions."
    assert "a and a @160 are the same run: imagenet-c sets its own picture size." in verdict_of(both).rest
    alone = column("Corrupted", {"a": 0.9, "a @160": 0.9}, twins={"a @160": "a"}, same_run="it sets its own size")
    assert title_of([alone], ["a", "a @160"]) == "No two models can be ranked."
    assert verdict_of(alone).strong == "Nothing to rank."


def test_no_share_of_some_is_shown_as_all_or_none() -> None:
    assert [share_text(share(value, 9)) for value in (1.0, 0.999, 0.5, 0.001, 0.0)] == [
        "100",
        ">99",
        "50",
        "<1",
        "0",
    ]


def test_where_no_column_was_run_the_title_counts_the_models() -> None:
    assert title_of([], "ab") == "Two models evaluated"


def test_a_column_says_on_how_many_images_it_rests() -> None:
    assert column("Clean", THREE, n=1200).n == "n = 1,200"
    points = {"a": share(0.5, 5), "b": share(0.5, 1000)}
    assert ScreenColumn("Clean", "", "", points, Standing((), {})).n == "n = 5 to 1,000"


def test_the_legend_says_why_a_model_has_no_number() -> None:
    both, one = column("Clean", THREE), column("Corrupted", {"a": 0.9, "b": 0.8})
    assert "Dash" not in " ".join(foot_of([both, both], ""))
    assert "Dash: not run." in foot_of([both, one], "")
    assert "Dash: no number is defined." in foot_of([both, replace(one, undefined=frozenset("c"))], "")
    columns = [both, one, column("Attacked", {"a": 0.9}, undefined=frozenset("b"))]
    assert "Dash: not run or no number is defined." in foot_of(columns, "")


def test_two_names_of_one_withdrawn_run_are_said_whatever_they_are() -> None:
    doubts, twins = {"Not ranked": "withdrawn", "b": "withdrawn"}, {"b": "Not ranked"}
    both = column("Attacked", {"Not ranked": 0.1, "b": 0.1}, doubts=doubts, twins=twins, same_run="they are one model")
    assert verdict_of(both).rest.endswith("Not ranked and b are the same run: they are one model.")
