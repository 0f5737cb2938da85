"""A number that the report on an attack withdraws stands nowhere without that word."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from latex_notes import with_notes
from one_score import compared
from rich.console import Console

from hardiness.core.attack_plan import Round, epsilon_text
from hardiness.core.codes import AttackCheck
from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, Trust
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.beside import from_few, with_figure
from hardiness.report.compared import comparison_json, comparison_view
from hardiness.report.exports.exporter import registry as exports
from hardiness.report.loggers.tracking import numbers_of
from hardiness.report.page import PageOptions, inks_of, page
from hardiness.report.results_file import results_form
from hardiness.report.scorecard import scorecard
from hardiness.report.screen_columns import screen_columns
from hardiness.report.sections import places_of, sections
from hardiness.report.stored_results import StoredResults
from hardiness.report.summary import summary
from hardiness.report.terminal import score_tables, scorecard_tables
from hardiness.report.trust import checks
from hardiness.report.views.attack import accuracy_under_attack, strength_of_attack
from hardiness.results.claims.claim import from_results, judge_claims
from hardiness.results.comparison import BenchmarkComparison
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import TwoEnds

LEFT_BY_ATTACK = {
    "budget": "4/255",
    "steps": 50,
    "before": 0.693,
    "after": 0.617,
    "images": 4,
    "loss_low": 0.01,
    "loss_high": 0.6,
    "doubts": (),
    "unchecked": (),
}
"""A verdict's arguments: the accuracy that an attack left."""
LEFT = {(2 / 255, 10): 0.653, (2 / 255, 50): 0.643, (4 / 255, 10): 0.633, (4 / 255, 50): 0.617}
NUMBERS = r"\b(65\.3|64\.3|63\.3|61\.7|0\.6[1-5][37]0*)\b|\b(65|64|63|62) %"


def attacked(model: str, doubt: str, lower: float = 0.0) -> Result:
    marks = {e: {s: Condition(epsilon=e, steps=s) for s in (10, 50)} for e in (2 / 255, 4 / 255)}
    rounds = tuple(Round("pgd", "linf", e, found) for e, found in marks.items())
    conditions = (Condition(), *(condition for found in marks.values() for condition in found.values()))
    run = Run(ModelIdentity(model), BenchmarkIdentity("whitebox", "attack", "standard"), conditions=conditions,
              attack=rounds)  # fmt: skip

    def score(metric: str, value: float, **condition: Any) -> Score:
        spread = TwoEnds(value, value - 0.011, value + 0.011)
        return Score(metric, value, "fraction", 300, spread, condition=Condition(**condition))

    scores = [score("clean_accuracy", 0.693)]
    scores += [score("accuracy", left - lower, epsilon=e, steps=s) for (e, s), left in LEFT.items()]
    points = [[0.0, 0.693, 0.68, 0.7], *([float(s), LEFT[4 / 255, s] - lower, 0.6, 0.65] for s in (10, 50))]
    effort = {"epsilon": 4 / 255, "unit": "steps", "members": [], "steps": points, "starts": [], "noise": [0.68] * 3}
    zeros = Fact(
        AttackCheck.ZERO_GRADIENTS,
        {"share": 0.9 if doubt == Trust.WITHDRAWN else 0.0, "has_many": doubt == Trust.WITHDRAWN},
        outcome=CheckOutcome.RAISED if doubt == Trust.WITHDRAWN else CheckOutcome.CLEAR,
    )
    beside = {"doubts": (zeros,) if doubt in (Trust.WITHDRAWN, Trust.UPPER_BOUND) else ()}
    beside |= {"unchecked": (("must break", "must_break=false"),) if doubt == Trust.NOT_CHECKED else ()}
    outcome, trust = (CheckOutcome.RAISED, Trust(doubt)) if doubt else (CheckOutcome.CLEAR, Trust.BELIEVED)
    findings = [zeros, Fact(AttackCheck.VERDICT, LEFT_BY_ATTACK | beside, outcome=outcome, trust=trust)]
    return Result(model, "whitebox", "imagenet", "standard", scores, Counts(300, 300, 0, 300), run, {"sessions": []},
                  findings=findings, details={"effort": effort}, key=f"{model}-key")  # fmt: skip


DOUBTS = pytest.mark.parametrize("doubt", ["withdrawn", "not checked", "upper bound"])


def told(text: str, doubt: str) -> list[str]:
    """The pieces of a text, a line or a cell each, with a number of the attack and without the word."""
    return [piece for piece in text.splitlines() if re.search(NUMBERS, piece) and doubt not in piece.lower()]


@DOUBTS
def test_a_result_says_which_of_its_scores_its_report_does_not_stand_by(doubt: str) -> None:
    result = attacked("masked", doubt)
    assert result.doubt == doubt
    assert [score.doubt for score in result.scores] == ["", *[doubt] * 4]
    assert attacked("honest", "").doubt == ""


@DOUBTS
def test_a_score_that_is_taken_out_of_its_result_keeps_the_word(doubt: str) -> None:
    result = attacked("masked", doubt)
    score = result.score("accuracy", epsilon=4 / 255, steps=50)
    assert score.doubt == doubt
    assert f"doubt='{doubt}'" in repr(score)
    assert result.score("clean_accuracy").doubt == ""
    assert from_json(Score, json_form(score), "scores") == score
    believed = replace(result, findings=attacked("masked", "").findings)
    assert {each.doubt for each in believed.scores} == {""}, "the word goes with the verdict"
    assert json_form(believed.score("accuracy", epsilon=4 / 255, steps=50))["doubt"] == ""


@DOUBTS
def test_the_sentence_of_a_model_has_the_word(doubt: str) -> None:
    (sentence,) = summary(sections([attacked("masked", doubt)]))
    assert f"falls from 69 to 62\u00a0% under attack at ε\u00a04/255 ({doubt})" in sentence.text
    both = screen_columns(sections([attacked("masked", doubt), attacked("honest", "", 0.3)]))
    assert [column.standing.models for column in both] == [("honest",)], "a number that is withdrawn leads nobody"
    (two,) = screen_columns(sections([attacked("one", ""), attacked("other", "", 0.3)]))
    assert two.standing.alone == "one"
    (honest,) = summary(sections([attacked("honest", "")]))
    assert "under attack at ε\u00a04/255 (n\u00a0=\u00a0300)." in honest.text


@DOUBTS
def test_every_place_of_the_page_has_the_word(doubt: str) -> None:
    shown = [with_figure(each) for each in sections([attacked("masked", doubt)])]
    text = page(shown, "title", inks_of(shown), PageOptions(figures=()))
    body = re.sub(r"(?s)<(style|script).*?</\1>", "", text)
    # A cell, a list entry, a paragraph, a caption, a mark of a figure each on a line of its own.
    body = re.sub(r"\s+", " ", body)
    pieces = re.split(r"(?=<(?:td|th|li|p|h[1-6]|figcaption|caption|title|summary|dt|dd|text)\b)", body)
    plain = [re.sub(r"<[^>]*>", " ", piece) for piece in pieces]
    found = [piece for piece in plain if re.search(NUMBERS, piece.replace("\u00a0", " "))]
    assert len(found) > 12, "the sentence, the overview, the table, figures, the grid, checks"
    assert [piece for piece in found if doubt not in piece.lower()] == []
    assert "data-text" in text
    assert all(doubt in each for each in re.findall(r'data-text="([^"]*61\.7[^"]*)"', text))


@DOUBTS
def test_headings_and_tips_of_figures_have_the_word(doubt: str) -> None:
    (shown,) = sections([attacked("masked", doubt), attacked("honest", "", 0.2)])
    for chart in shown.section.charts:
        assert f"of 2 models 1 {doubt}" in chart.heading or not re.search(r"\d %", chart.heading)
        assert f"Dashed: {doubt}" in chart.caption
        dashed = {line.name: line.doubt for panel in chart.panels for line in panel.measured}
        assert dashed == {"masked": doubt, "honest": ""}


@DOUBTS
def test_a_number_that_is_withdrawn_has_no_place_among_others(doubt: str) -> None:
    three = [attacked("masked", doubt), attacked("honest", "", 0.2), attacked("other", "", 0.4)]
    card = scorecard(sections(three))
    ranks = {model: str(entries[-1].rank) for model, entries in card.rows}
    assert ranks == {"masked": "None", "honest": "1", "other": "2"}
    (entry,) = [entries[-1] for model, entries in card.rows if model == "masked"]
    assert entry.marks == (doubt,)
    two = sections(three[:2])
    assert [entries[-1].rank for _, entries in scorecard(two).rows] == [None, None], "no first of one"
    assert {metric for _, metric, _ in places_of(three[:2])} == {"clean_accuracy"}


@DOUBTS
def test_the_terminal_has_the_word_below_every_number(doubt: str) -> None:
    result = attacked("masked", doubt)
    console = Console(width=200, force_terminal=False)
    with console.capture() as captured:
        for part in (*scorecard_tables([result]), *score_tables([result], everything=True)):
            console.print(part)
    text = captured.get()
    assert text.count(doubt) >= 6, "overview, four scores, the grid"
    assert told(repr(result), doubt) == []
    assert told(str(StoredResults([result])).replace("\n│", " "), doubt) == []


@DOUBTS
def test_every_export_has_the_word(doubt: str) -> None:
    result = attacked("masked", doubt)
    other = replace(attacked("masked", ""), benchmark="imagenet-val", run=Run(
        ModelIdentity("masked"), BenchmarkIdentity("imagenet-val", "classification", "p")),
        scores=[Score("top1", 0.69, "fraction", 300, TwoEnds(0.69, 0.6, 0.7))], findings=())  # fmt: skip
    for name in ("markdown", "latex"):
        text = with_notes(exports.get(name).write([other, result]).decode())
        cells = re.sub(r"(?<!\\)[|&]", "\n", text)
        assert re.search(NUMBERS, cells), name
        assert told(cells, doubt) == [], name
    rows = list(csv.DictReader(io.StringIO(exports.get("csv").write([result]).decode())))
    assert [row["doubt"] for row in rows] == ["", *[doubt] * 4]
    assert [row["marks"] for row in rows] == ["doubt", *[doubt] * 4]
    for name in ("markdown", "latex"):
        assert not re.search(r"\bdoubt\b", exports.get(name).write([result]).decode()), "the word is there instead"
    (found,) = json.loads(exports.get("json").write([result]))["results"]
    assert [score["doubt"] for score in found["scores"]] == ["", *[doubt] * 4]
    table = StoredResults([result]).table().to_pylist()
    assert [row["doubt"] for row in table] == ["", *[doubt] * 4]
    names = [name for name in numbers_of(result) if "/accuracy/" in name]
    assert len(names) == 4
    assert all(name.endswith(f"/{doubt}") for name in names)


@DOUBTS
def test_a_comparison_has_the_word_at_the_number(doubt: str) -> None:
    measures = {
        "masked": mean(np.arange(100), np.arange(100) < 62),
        "honest": mean(np.arange(100), np.arange(100) < 40),
    }
    found = compared("accuracy", measures, True)
    scores = (found, replace(found, condition=Condition(epsilon=4 / 255)))
    whole = BenchmarkComparison("whitebox", "imagenet", scores, 100, (), (), doubts={"masked": doubt})
    clean, under_attack = comparison_view(whole).rows
    assert clean[1:3] == ("masked\n62.00", "honest\n40.00")
    assert under_attack[1:3] == (f"masked\n62.00 {doubt}", "honest\n40.00")
    of = {"withdrawn": "of a withdrawn number", "not checked": "of a number not checked"}.get(
        doubt, "of an upper bound"
    )
    assert (clean[6], under_attack[6]) == ("yes", f"yes, {of}")
    written = comparison_json(whole)
    assert written["doubts"] == {"masked": doubt}
    assert [pair["doubt"] for score in written["scores"] for pair in score["pairs"]] == ["", of]


@DOUBTS
def test_a_check_tells_no_difference_from_a_number_that_is_withdrawn(doubt: str) -> None:
    measures = {
        name: mean(np.arange(300), np.arange(300) < n) for name, n in (("masked", 185), ("honest", 125), ("other", 65))
    }
    found = compared("accuracy", measures, True)
    three = [attacked("masked", doubt), attacked("honest", "", 0.2), attacked("other", "", 0.4)]
    for shown_of, left in ((three, "honest"), (three[:2], "")):
        (plain,) = sections(shown_of)
        assert plain.section.headline is not None
        pairs = {pair: each for pair, each in found.pairs.items() if "other" not in pair or len(shown_of) > 2}
        last = replace(found, pairs=pairs, condition=plain.section.headline.condition)
        whole = BenchmarkComparison("whitebox", "imagenet", (last,), 300, (), (), doubts={"masked": doubt})
        shown = replace(plain, compared=whole)
        said = {
            result.name: [each for each in checks(result, shown) if each.name == "difference"]
            for result in shown.results
        }
        assert [(each.ran, doubt in each.reason) for each in said["masked"]] == [(False, True)]
        (honest,) = said["honest"]
        assert honest.reason.endswith(f"(left out: masked, {doubt})")
        assert honest.ran == ("told apart from every other" in honest.reason) == bool(left)


@DOUBTS
def test_a_claim_that_rests_on_it_has_the_word(doubt: str) -> None:
    masked = attacked("masked", doubt)
    scores = [masked.scores[0], replace(masked.scores[-1], condition=Condition(epsilon=0.06, steps=50))]
    judged_ = judge_claims(from_results([replace(masked, scores=scores)], ["masked"]))
    names = [contrast.name for _, judgement in judged_.claims for contrast in judgement.contrasts]
    assert names == [f"masked: 61.70 % of 69.30 % are left ({doubt})"]


def test_checks_that_did_not_run_have_not_passed() -> None:
    idle = [Fact(code, outcome=CheckOutcome.NOT_RUN) for code in (AttackCheck.WEAKER_THAN_NOISE, AttackCheck.RESTARTS)]
    result = attacked("honest", "")
    result = replace(result, findings=[*idle, *result.findings])
    (shown,) = sections([result])
    text = page([with_figure(shown)], "title", inks_of([shown]), PageOptions(figures=()))
    assert "5 passed, 2 not run" in text, "whole, no failure, n, zero gradients, and the verdict"
    assert "<b>weaker than noise</b> (not run): No noise was tried." in text
    saved = {each["code"]: each for each in result.as_dict()["findings"]}
    assert [code for code, each in saved.items() if each["outcome"] == "not run"] == ["weaker than noise", "restarts"]
    assert [Fact.from_dict(json.loads(json.dumps(each))) for each in saved.values()] == result.findings
    written = results_form([result])["results"][0]["findings"]
    assert written[0] == {**saved["weaker than noise"], "text": "No noise was tried."}


@DOUBTS
def test_a_heading_s_range_is_over_the_numbers_that_stand(doubt: str) -> None:
    results = [attacked("masked", doubt), attacked("honest", "", 0.2), attacked("other", "", 0.4)]
    curves, effort = accuracy_under_attack(results), strength_of_attack(results)
    assert curves is not None
    assert effort is not None
    assert curves.heading == f"Accuracy under attack: 22 to 42 % are left at ε 4/255 (of 3 models 1 {doubt})"
    assert effort.heading.endswith(f" (of 3 models 1 {doubt})")
    alone = accuracy_under_attack(results[:1])
    assert alone is not None
    assert alone.heading.endswith(f": 62 % are left at ε 4/255 ({doubt})")


def test_a_heading_says_that_the_verdict_cannot_tell() -> None:
    unsure = Fact(AttackCheck.VERDICT, LEFT_BY_ATTACK, outcome=CheckOutcome.RAISED, trust=Trust.CANNOT_TELL)
    result = replace(attacked("few", ""), findings=[unsure], counts=Counts(300, 4, 0, 4))
    (shown,) = sections([result])
    headings = [
        chart.heading for chart in with_figure(shown).section.charts if re.search(r"\d %|\d\d\.\d", chart.heading)
    ]
    assert len(headings) > 1
    assert all("cannot tell" in heading for heading in headings), headings
    (curves, *_) = [each for each in headings if each.startswith("Accuracy under attack")]
    assert curves.endswith("62 % are left at ε 4/255 (cannot tell, from 4 images)")
    assert curves in {chart.heading for chart in from_few(shown).section.charts}, "said once"


@DOUBTS
def test_the_point_without_attack_is_not_said_to_be_withdrawn(doubt: str) -> None:
    (shown,) = sections([attacked("masked", doubt)])
    text = page([with_figure(shown)], "title", inks_of([shown]), PageOptions(figures=()))
    tips = set(re.findall(r"masked, [^:<>]*: \d\d\.\d %[^<]*", text))
    clean = {tip for tip in tips if "69.3 %" in tip}
    assert clean
    assert not any(doubt in tip for tip in clean)
    assert tips - clean
    assert all(tip.endswith(f" %, {doubt}") for tip in tips - clean)


def test_a_caption_names_the_protocol_once() -> None:
    (shown,) = sections([attacked("honest", "")])
    assert shown.full_heading == "whitebox on imagenet, protocol standard"


@pytest.mark.parametrize(
    ("epsilon", "text"),
    [
        (0.02 / 255, "0.02/255"), (0.3 / 255, "0.3/255"), (4 / 255, "4/255"), (0.5 / 255, "0.5/255"), (0.06, "0.06"),
        (0.0001, "0.0001"), (0.001, "0.001"), (0.5, "0.5"), (1 / 3, "85/255"), (0.0, "0"),
    ],
)  # fmt: skip
def test_a_budget_is_written_in_the_shorter_form(epsilon: float, text: str) -> None:
    assert epsilon_text(epsilon) == text
