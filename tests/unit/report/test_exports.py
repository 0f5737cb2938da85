"""Results as JSON, CSV, Parquet, LaTeX, Markdown, model cards and BibTeX."""

from __future__ import annotations

import io
import json
import re
from csv import reader
from dataclasses import replace

import numpy as np
import pytest
from huggingface_hub import ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results
from latex_notes import with_notes
from one_score import compared
from pyarrow import csv, parquet

from hardiness.benchmarks.galleries import Answer, Gallery, Sample
from hardiness.benchmarks.options import registry as benchmarks
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import CheckOutcome, Fact, Trust, error_of
from hardiness.core.forms import json_form
from hardiness.core.result import Counts, Result, Score, TextTable
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.exports.exporter import registry, tables_in
from hardiness.report.words import with_texts
from hardiness.results.comparison import BenchmarkComparison
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import TwoEnds

ODD = "50%_of\\a{model}|`x`<b>$^~&#"


def result(model: str) -> Result:
    scores = [
        Score("top1", 0.5, "fraction", 4, TwoEnds(0.5, 0.25, 0.75)),
        Score("aurra", None, "fraction", 4, lack=error_of(ArgumentError("too few"))),
        Score("top1", 0.25, "fraction", 4, condition=Condition(decision="1000-way")),
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity("imagenet-val", "classification", "orhan2019"))
    return Result(model, "imagenet-val", "imagenet", "orhan2019", scores, Counts(8, 4, 0, 4), run, {}, key="k")


RESULTS = [result("plain"), result(ODD)]


def written(name: str) -> str:
    return registry.get(name).write(RESULTS).decode()


def test_json_is_what_results_json_holds() -> None:
    gallery = json_form(Gallery("Mistakes", "a rule", (Sample("n01/a", Condition(), "hen", Answer("cock", 0.9)),)))
    first = replace(RESULTS[0], details={"galleries": [gallery]})
    found = json.loads(registry.get("json").write([first, RESULTS[1]]))
    assert [each.pop("galleries") for each in found["results"]] == [[json.loads(json.dumps(gallery))], []]
    assert found["results"][0]["scores"][0].pop("place") == [1, 2], "as intervals overlap"
    assert found["results"][1]["scores"][0].pop("place") == [1, 2]
    assert found["results"] == json.loads(json.dumps(with_texts([each.as_dict() for each in RESULTS])))
    assert found["schema"] == 1


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_tables_hold_every_score_as_a_row(name: str) -> None:
    content = io.BytesIO(registry.get(name).write(RESULTS))
    table = csv.read_csv(content) if name == "csv" else parquet.read_table(content)
    assert table.column("model").to_pylist() == ["plain"] * 3 + [ODD] * 3
    assert table.column("value").to_pylist() == [0.5, None, 0.25] * 2
    assert table.column("decision").to_pylist()[2] == "1000-way"
    assert table.column("place").to_pylist() == [1, None, None] * 2
    assert table.column("place_worst").to_pylist() == [2, None, None] * 2
    assert str(table.schema.field("place").type) == "int64"
    alone = io.BytesIO(registry.get(name).write(RESULTS[:1]))
    single = csv.read_csv(alone) if name == "csv" else parquet.read_table(alone)
    assert single.column("place").to_pylist() == [None] * 3, "one model has no place"


def test_latex_is_a_booktabs_table_whose_rows_fit_its_columns() -> None:
    text = written("latex")
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1
    assert text.count(r"\begin{tabular}{lr}") == 1
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if r"\\" in line]
    assert len(rows) == 5, "a heading, two models, and below each its intervals"
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == 1
    assert rows[1:3] == [r"plain & 50.0 \\[-1pt]", r" & {\scriptsize 25.0--75.0} \\[1.5pt]"]
    odd = r"50\%\_of\textbackslash{}a\{model\}\textbar{}`x`\textless{}b\textgreater{}"
    odd += r"\$\textasciicircum{}\textasciitilde{}\&\#"
    assert f"{odd} & 50.0" in rows[3]
    assert r"$n = 4$ images, partial}" in text, "what is of all models stands once"
    unescaped = re.sub(r"\\.", "", "".join(line for line in text.splitlines() if not line.startswith("%")))
    assert unescaped.count("{") == unescaped.count("}")


def test_markdown_rows_have_as_many_cells_as_the_heading() -> None:
    lines = [line for line in written("markdown").splitlines() if line.startswith("|")]
    counts = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert counts == {4}
    assert "50.0 (25.0–75.0)" in lines[2]
    assert "<b>" not in lines[3].replace(r"\<b\>", "")


UNSURE = Fact("package.few", {"images": 4}, outcome=CheckOutcome.RAISED, trust=Trust.CANNOT_TELL)
DEMO = "demo-sized: the embedded photographs are few and easy; a demonstration, not a benchmark"


@pytest.mark.parametrize("name", ["csv", "parquet", "latex", "markdown", "model-index"])
def test_what_is_amiss_stands_beside_the_numbers_as_on_the_page(name: str) -> None:
    """Of a part of the demo's photographs, whose attack report cannot tell; the other result is whole."""
    bad = replace(
        RESULTS[0],
        warnings=(
            Fact(RunRemark.PARTIAL, {"evaluated": 4, "expected": 8, "failed": 0, "conditions": 1}),
            Fact(RunRemark.DEMO_SIZED),
        ),
        findings=(UNSURE,),
    )
    whole = replace(result("whole"), counts=Counts(4, 4, 0, 4))
    several = [bad, whole, *(replace(each, benchmark="imagenet-v2", key="l") for each in (bad, whole))]
    content = registry.get(name).write(several)
    if name in ("csv", "parquet"):
        stream = io.BytesIO(content)
        table = csv.read_csv(stream) if name == "csv" else parquet.read_table(stream)
        marks = dict(zip(table.column("model").to_pylist(), table.column("marks").to_pylist(), strict=True))
        assert marks == {"plain": "partial, cannot tell, demo-sized", "whole": ""}
        assert table.column("low").to_pylist()[0] == 0.25
        return
    text = content.decode() if name != "latex" else with_notes(content.decode())
    lines = {each: [line for line in text.splitlines() if each in line] for each in ("plain", "whole")}
    if name == "model-index":
        assert text.count("marks: partial, cannot tell, demo-sized") == 2  # on both benchmarks, of one model
        return
    for each, said in (("plain", True), ("whole", False)):
        rows = [line for line in lines[each] if "50.0" in line]
        assert len(rows) == 3
        assert all(("partial, cannot tell, demo-sized" in row) == said for row in rows)
    overview = text[: min(text.index(f"{each} on") for each in ("imagenet-val", "imagenet-v2"))]
    if name == "latex":
        assert overview.count("50.0 (partial, cannot tell, demo-sized)") == 2, "in the overview, of two benchmarks"
        assert overview.count("n = 4") == 2, "once for each benchmark"
    else:
        assert overview.count("n = 4, partial, cannot tell, demo-sized") == 2
        assert overview.count("n = 4") == 4
    assert overview.count("25.0--75.0" if name == "latex" else "25.0–75.0") == 4
    assert "partial: evaluated 4 of 8 images" in text
    assert "the embedded photographs are few and easy" in text


def test_what_a_spreadsheet_would_execute_is_text() -> None:
    """A cell that begins with =, +, - or @ is a formula there, unless it is a number."""
    names = ["=HYPERLINK(1)", "@SUM(A1)", "+1-1", "-2+3", " =1", "\t=1", "-", "a=b", "-0.5"]
    found = [
        replace(result(name), key=f"{place}", scores=[Score("top1", 0.5, "fraction", 4, condition=condition)])
        for place, name in enumerate(names)
        for condition in (Condition(level="-0.5" if place else "x", shift=-0.25),)
    ]
    table = csv.read_csv(io.BytesIO(registry.get("csv").write(found)))
    expected = ["'=HYPERLINK(1)", "'@SUM(A1)", "'+1-1", "'-2+3", "' =1", "\\t=1", "'-", "a=b", "-0.5"]
    assert table.column("model").to_pylist() == expected
    assert table.column("shift").to_pylist() == [-0.25] * len(names), "numbers stay numbers"
    assert table.column("level").to_pylist() == ["x", *["-0.5"] * (len(names) - 1)]
    plain = parquet.read_table(io.BytesIO(registry.get("parquet").write(found))).column("model").to_pylist()
    assert plain[0] == names[0], "typed text is executed by nobody"


@pytest.mark.parametrize("name", sorted({*registry.names()} - {"aiverify", "every-eval-ever-samples"}))
def test_a_name_that_is_no_utf_8_is_exported_by_its_bytes(name: str) -> None:
    odd = result("py:/tmp/\udcff.py:build")
    several = [odd, RESULTS[0], *(replace(each, benchmark="imagenet-v2", key="l") for each in (odd, RESULTS[0]))]
    content = registry.get(name).write(several)
    if name == "parquet":
        assert parquet.read_table(io.BytesIO(content)).column("model").to_pylist()[0] == "py:/tmp/\\xff.py:build"
    elif name == "json":
        assert json.loads(content)["results"][0]["model"] == odd.model
    elif name != "bibtex":
        text = content.decode().replace(r"\textbackslash{}", "\\").replace("\\\\", "\\")
        assert "\\xff.py:build" in text.replace("<wbr>", "")


def test_a_model_cards_block_is_read_by_the_hubs_own_library() -> None:
    import yaml

    blocks = list(yaml.safe_load_all(written("model-index")))
    name, found = model_index_to_eval_results(blocks[0]["model-index"])
    assert name == "plain"
    assert [(each.metric_type, each.metric_value, each.dataset_type) for each in found] == [("top1", 50.0, "imagenet")]
    assert ModelCardData(**blocks[1]).to_dict()


def test_bibtex_names_the_papers_behind_what_was_run() -> None:
    text = written("bibtex")
    assert "@misc{orhan2019robustness," in text
    assert "@misc{russakovsky2015imagenet," in text
    assert "hendrycks" not in text


@pytest.mark.parametrize("benchmark", [name for name in benchmarks.names() if name != "own"])
def test_bibtex_names_a_paper_of_every_published_benchmark(benchmark: str) -> None:
    alone = replace(RESULTS[0], benchmark=benchmark, protocol="")
    text = registry.get("bibtex").write([replace(alone, run=replace(alone.run, model=ModelIdentity("mine", "a" * 64)))])
    entries = re.findall(r"@(\w+)\{(\w+),\n((?:  \w+ = \{.*\},?\n)+)\}", text.decode())
    assert entries
    for kind, key, fields in entries:
        assert re.search(r"author = \{.+\}", fields), key
        assert ("eprint = {" in fields) == (kind == "misc"), key
        assert ("booktitle = {" in fields) == (kind == "inproceedings"), key


def test_every_form_says_what_it_is() -> None:
    assert {"json", "csv", "parquet", "latex", "markdown", "model-index", "bibtex"} <= set(registry.names())
    assert all(registry.get(name).purpose for name in registry.names())


def test_the_overview_holds_the_places_of_the_page() -> None:
    right = {"plain": np.arange(400) < 360, ODD: np.arange(400) < 340}
    measures = {name: mean(np.arange(len(each)), each) for name, each in right.items()}
    paired = compared("top1", measures, True)
    comparison = BenchmarkComparison("imagenet-val", "imagenet", (paired,), 400, (), (), protocol="orhan2019")
    other = [replace(each, benchmark="imagenet-v2", key="l") for each in RESULTS]
    for name, place, shared in (
        ("latex", r"50.0 {\scriptsize 2}", r"{\scriptsize 1--2}"),
        ("markdown", "place 2", "place 1–2"),
    ):
        text = registry.get(name).write([*RESULTS, *other], [comparison]).decode()
        assert place in text
        assert shared in text, "no comparison of imagenet-v2: by intervals"
        assert place not in registry.get(name).write([*RESULTS, *other]).decode()
        assert "verview" not in registry.get(name).write(RESULTS).decode()


def corruption_results() -> list[Result]:
    """Two models under three corruptions; the first is better under fog alone."""
    found = []
    for model, fog in (("plain", 0.2), (ODD, 0.6)):
        parts = {"fog": fog, "snow": 0.5, "frost": 0.5}
        scores = [Score("mce", 0.5, "ratio", 400, TwoEnds(0.5, 0.45, 0.55), higher_is_better=False)]
        scores += [
            Score(
                "ce", value, "ratio", 400, TwoEnds(value, value - 0.05, value + 0.05), False, Condition(corruption=name)
            )
            for name, value in parts.items()
        ]
        run = Run(ModelIdentity(model), BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019"))
        found.append(
            Result(model, "imagenet-c", "imagenet", "hendrycks2019", scores, Counts(800, 400, 0, 400), run, {})
        )
    return found


def test_latex_has_a_table_by_corruption_with_models_as_columns() -> None:
    text = registry.get("latex").write(corruption_results()).decode()
    table = text[text.index(r"\caption{imagenet-c on imagenet, hendrycks2019: CE by corruption") :]
    assert r"$\downarrow$, in \,\%; $n = 400$ images, partial; bold" in table.splitlines()[0]
    rows = dict(re.findall(r"^(mCE|fog|snow|frost) & (.*) \\\\$", table, re.MULTILINE))
    assert rows == {
        "mCE": "50.0 & 50.0",
        "fog": r"\textbf{20.0} & 60.0",
        "snow": "50.0 & 50.0",
        "frost": "50.0 & 50.0",
    }, "bold is what is alone in first place: places that are shared have none"


def test_of_one_or_two_corruptions_the_table_has_their_errors_and_no_other_score() -> None:
    def with_curves(result: Result) -> Result:
        few = [score for score in result.scores if score.condition.get("corruption") in (None, "fog", "snow")]
        areas = [
            Score("aurc", 0.1, "fraction", 400, None, False, Condition(corruption=name))
            for name in ("clean", "fog", "snow")
        ]
        return replace(result, scores=[*few, *areas])

    text = registry.get("latex").write([with_curves(result) for result in corruption_results()]).decode()
    assert "CE by corruption" in text
    assert "aurc by" not in text.lower()
    rows = re.findall(r"^(fog|snow|clean) &", text[text.index("CE by corruption") :], re.MULTILINE)
    assert rows == ["fog", "snow"]


def test_models_that_are_partial_for_different_reasons_are_marked_each() -> None:
    first, second = corruption_results()
    text = registry.get("latex").write([first, replace(second, counts=Counts(400, 400, 0, 400))]).decode()
    assert "corruption & plain (partial) & " in with_notes(text)


VIEW = TextTable(ODD, ("model", "difference"), (("plain\n50.0", "-1.2"), (ODD, "+3.4 → 5")), notes=("=note",))


def test_a_table_of_texts_is_written_for_papers() -> None:
    rows = list(reader(io.StringIO(tables_in("csv", [VIEW]))))
    assert rows == [["model", "difference"], ["plain 50.0", "-1.2"], [ODD, "'+3.4 → 5"]]
    lines = tables_in("markdown", [VIEW]).splitlines()
    assert lines[3:5] == ["| --- | ---: |", r"| plain 50.0 | -1.2 |"]
    latex = tables_in("latex", [VIEW, VIEW])
    assert latex.count(r"\begin{table}") == 2
    assert "plain & -1.2 \\\\[-1pt]\n{\\scriptsize 50.0} &  \\\\[1.5pt]" in latex
    assert r"\rightarrow" in latex
    with pytest.raises(ArgumentError, match="must be one of csv, latex, markdown, was parquet"):
        tables_in("parquet", [VIEW])
    with pytest.raises(UnknownNameError, match="markdown"):
        tables_in("markdwn", [VIEW])
