"""LaTeX tables fit one column or two of a paper on A4, at letters that can be read: they are turned or cut."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Interval, Result, Score, TextTable
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.report.exports.exporter import registry, tables_in
from hardiness.report.notes import without_commands
from hardiness.results.results import published_results

NAMES = ("squeezenet1_1", "efficientnet_lite0 (resize_px=256)", "timm:mobilenetv3_small_050", "py:networks.py:second")
ODD = ("50%_of\\a{model}|`x`<b>$^~&#", "[red]", "*", "py:/a/path/that/is/far/too/long/for/a/column/of/a/paper.py:build",
       "x" * 120)  # fmt: skip


def models(count: int) -> list[str]:
    return [f"{NAMES[place % 4]}-{place}" for place in range(count)]


def results(names: Sequence[str], benchmarks: Sequence[str], n: int = 120) -> list[Result]:
    """Of each model on each benchmark a headline with an interval, and parts by corruption."""
    parts = ("gaussian_noise", "elastic_transform", "jpeg_compression", "single_frequency_greyscale")
    return [
        Result(
            name,
            benchmark,
            "imagenet",
            "hendrycks2019",
            [
                Score("mce", 0.684, "ratio", n, Interval(0.144, 1.191), False),
                Score("relative_mce", 1.577, "ratio", n, Interval(-0.523, 2.992), False),
                *(Score("ce", 0.5, "ratio", n, None, False, Condition(corruption=part)) for part in parts),
            ],
            Counts(n, n, 0, n),
            Run(ModelIdentity(name), BenchmarkIdentity(benchmark, "corruption", "hendrycks2019")),
            {},
            warnings=("RMS calibration error is undefined: it needs 200 images. Evaluate more with --limit 200",),
            key=f"{benchmark}{name}",
        )
        for benchmark in benchmarks
        for name in names
    ]


def compared(names: Sequence[str]) -> TextTable:
    rows = [
        (metric, f"{one}\n69.10", f"{other}\n65.77 not checked", "+3.32", "-78.69 … +84.01", "1.000",
         "no, of a number not checked", "88.59")
        for metric in ("top-1", "RMS calibration error (hendrycks2019)")
        for one in names for other in names if one < other
    ]  # fmt: skip
    heads = ("score", "first", "second", "difference", "95 %", "p", "told apart?", "this n tells")
    return TextTable("imagenet-c, 5 images that all share", heads, tuple(rows), 3, ("a note",) * 80)


CLAIM = "a claim that is longer than one column of a paper is wide, and goes on in the next line, as number"
CLAIMS = TextTable(
    "claims", ("claim", "verdict", "p"), tuple((f"{CLAIM} {n}", "holds", "0.01") for n in range(9)), named=2
)
WIDE = TextTable("top-1 by site", ("site", "n", *models(30)), (("A", "40", *["97.0\n91.4–99.4"] * 30),) * 3)


@cache
def texts() -> dict[str, str]:
    """Tables of every kind and size."""
    write = registry.get("latex").write
    return {
        "of the issue": write(results(models(8), ("imagenet-c", "imagenet-c-bar", "imagenet-3dcc"))).decode(),
        "many benchmarks": write(results(models(2), [f"imagenet-{place}" for place in range(40)])).decode(),
        "many of both": write(results(models(13), [f"benchmark-{place}" for place in range(12)])).decode(),
        "odd names": write(results(ODD, ("imagenet-c", "imagenet-c-bar"))).decode(),
        "compared": tables_in("latex", [compared(models(8)), CLAIMS, WIDE]),
    }


DOCUMENT = r"""\documentclass[10pt,a4paper,twocolumn]{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,graphicx}
\setlength{\textwidth}{17.4cm}\setlength{\columnsep}{.6cm}\setlength{\textheight}{24cm}
\renewcommand{\resizebox}[3]{#3} % at their own size
\begin{document}
\input{tables}
\end{document}
"""


@pytest.mark.slow
def test_latex_tables_fit_two_column_paper_at_their_own_size(tmp_path: Path, latex: str) -> None:
    """Nothing is made narrower, nothing runs out of its column, and no table is higher than a page."""
    published = registry.get("latex").write(published_results()).decode()
    text = "\n".join([*texts().values(), published]).replace("\n\\begin{table", "\n\\clearpage\n\\begin{table")
    (tmp_path / "tables.tex").write_text(text)
    (tmp_path / "main.tex").write_text(DOCUMENT)
    command = [latex, "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-2000:]
    log = (tmp_path / "main.log").read_text(errors="replace")
    assert not re.findall(r"Overfull \\hbox.*", log)
    assert not re.findall(r"Float too large.*", log)
    assert "undefined" not in told.stdout.lower()
    assert any((tmp_path / f"main.{kind}").exists() for kind in ("pdf", "dvi"))


def tables(text: str) -> list[tuple[str, list[str]]]:
    """Of each table its columns and its rows."""
    body = r"\\begin\{tabular\}\{((?:p\{[^}]*\}|[^}])*)\}(.*?)\\end\{tabular\}"
    return [
        (columns, [line for line in rows.splitlines() if r"\\" in line and "multicolumn" not in line])
        for columns, rows in re.findall(body, text, re.DOTALL)
    ]


@pytest.mark.parametrize("name", ["of the issue", "many of both", "odd names", "compared"])
def test_every_row_has_a_cell_for_each_column(name: str) -> None:
    for columns, rows in tables(texts()[name]):
        count = len(re.sub(r"p\{[^}]*\}", "p", columns))
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {count}


def test_the_overview_says_n_once_and_is_cut_where_it_is_wide() -> None:
    eight = texts()["of the issue"]
    overview = eight[: eight.index(r"\end{table")]
    assert overview.count("n = 120") == 3, "once for each benchmark"
    ((columns, _),) = tables(overview)
    assert columns == "lrrr", "models downwards"
    many = texts()["many benchmarks"]
    first, *_ = tables(many)
    assert first[0] == "llrr", "the longer list downwards: benchmark, n, two models"
    assert r"images (1 of 2)}" in many[: many.index(r"\end{table")]
    both = tables(texts()["many of both"])[:2]
    assert sum(len(columns) - 1 for columns, _ in both) == 12, "all benchmarks stand in two tables of one float"


def test_a_table_of_long_words_keeps_its_columns_narrow() -> None:
    text = texts()["compared"]
    assert r"\multicolumn{7}{l}{\textit{top-1}} \\" in text, "a name that several rows have stands once above them"
    assert r"no\textsuperscript{a}" in text
    assert r"\textsuperscript{a}\,of a number not checked\par" in text, "words beside a number are a note"
    (columns, _) = tables(text[text.index("caption{claims}") :])[0]
    assert re.fullmatch(r"p\{1\d\dpt\}lr", columns), "a sentence goes on in the next line"
    assert "Notes to the table of" in text, "more notes than a page has room for stand behind the table"


def test_captions_and_notes_say_nothing_to_type() -> None:
    text = texts()["of the issue"]
    assert "RMS calibration error is undefined: it needs 200 images." in text
    assert "--limit" not in text
    assert without_commands("take more steps; or --steps 50. A fact.") == "take more steps A fact."
    assert without_commands("Run it with 'hardiness compare'. Or longer (steps=, relative_step=).") == ""
    assert without_commands("a (resize_px=160): scored clean (protocol=standard does neither).").startswith("a (res")


def test_own_classes_have_one_direction_by_corruption_too() -> None:
    """Their headline is a share of right answers, and so are its parts."""
    result = results(["mine"], ["own-c"])[0]
    scores = [
        Score("mean_error", 0.2, "fraction", 40, Interval(0.1, 0.3), False),
        Score("error", 0.3, "fraction", 40, None, False, Condition(corruption="fog")),
    ]
    data = DataIdentity(classes=("cat", "dog"))
    run = Run(ModelIdentity("mine"), BenchmarkIdentity("own-c", "corruption", "own"), data)
    text = registry.get("latex").write([replace(result, benchmark="own-c", scores=scores, run=run)]).decode()
    assert r"accuracy by corruption $\uparrow$" in text
    assert re.search(r"^fog & 70.0 ", text, re.MULTILINE)
