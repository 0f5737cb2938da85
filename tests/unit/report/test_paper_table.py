"""LaTeX tables fit one column or two of a paper on A4, and go over pages where they are long."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from hardiness.api.collection import collect_results
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.result import Counts, Result, Score, TextTable
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.report.exports.exporter import registry, tables_in
from hardiness.results.results import published_results
from hardiness.statistics.spreads.combined import TwoEnds

STORED = Path(__file__).parents[2] / "reference" / "stored_out"
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
                Score("mce", 0.684, "ratio", n, TwoEnds(0.684, 0.144, 1.191), False),
                Score("relative_mce", 1.577, "ratio", n, TwoEnds(1.577, -0.523, 2.992), False),
                *(Score("ce", 0.5, "ratio", n, None, False, Condition(corruption=part)) for part in parts),
            ],
            Counts(n, n, 0, n),
            Run(ModelIdentity(name), BenchmarkIdentity(benchmark, "corruption", "hendrycks2019")),
            {},
            warnings=(
                Fact(RunRemark.ANSWERS_CUT, {"answers": 3}),
                Fact(RunRemark.EMPTY_CLASSES, {"classes": ("--none",)}),
            ),
            key=f"{benchmark}{name}",
        )
        for benchmark in benchmarks
        for name in names
    ]


def own_classes(name: str) -> Result:
    """Of a model on one's own classes under corruptions."""
    scores = [
        Score("mean_error", 0.2, "fraction", 40, TwoEnds(0.2, 0.1, 0.3), False),
        Score("error", 0.3, "fraction", 40, None, False, Condition(corruption="fog")),
    ]
    data = DataIdentity(classes=("cat", "dog"))
    run = Run(ModelIdentity(name), BenchmarkIdentity("own-c", "corruption", "own"), data)
    return replace(results([name], ["own-c"])[0], benchmark="own-c", scores=scores, run=run)


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
        "four models": write(results(models(4), ("imagenet-c", "imagenet-c-bar"))).decode(),
        "attacked": write(collect_results([STORED]).results).decode(),
        "own classes": write([own_classes("mine"), own_classes("other")]).decode(),
        "published": write(published_results()).decode(),
    }


DOCUMENT = r"""\documentclass[10pt,a4paper,twocolumn]{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,graphicx,longtable}
\setlength{\textwidth}{17.4cm}\setlength{\columnsep}{.6cm}\setlength{\textheight}{24cm}
\let\resized\resizebox
\renewcommand{\resizebox}[3]{\sbox0{#3}\typeout{WIDTH \the\wd0 IN \the\linewidth}\resized{#1}{#2}{#3}}
\begin{document}
Before.
\input{tables}
After.
\end{document}
"""


def compiled(text: str, folder: Path, latex: str) -> tuple[str, list[float]]:
    """The log of a paper in two columns that has these tables, and by how much each of its boxes is made smaller."""
    (folder / "tables.tex").write_text(text.replace("\n\\begin{table", "\n\\clearpage\n\\begin{table"))
    (folder / "main.tex").write_text(DOCUMENT)
    command = [latex, "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-2000:]
    assert any((folder / f"main.{kind}").exists() for kind in ("pdf", "dvi"))
    log = (folder / "main.log").read_text(errors="replace")
    pairs = re.findall(r"WIDTH ([\d.]+)ptIN ([\d.]+)pt", log)
    return log, [min(1.0, float(room) / float(width)) for width, room in pairs if float(width)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("of the issue", 0.9),  # letters of 8 points then have 7
        ("four models", 0.9),
        ("many benchmarks", 0.9),
        ("many of both", 0.7),
        ("odd names", 0.6),
        ("compared", 0.4),  # 30 columns of numbers
        ("attacked", 0.9),
        ("own classes", 0.9),
        ("published", 0.9),
    ],
)
def test_latex_tables_fit_a_paper_of_two_columns(name: str, least: float, tmp_path: Path, latex: str) -> None:
    log, sizes = compiled(texts()[name], tmp_path, latex)
    assert not re.findall(r"Overfull \\hbox.*", log)
    assert not re.findall(r"Float too large.*", log)
    assert "undefined" not in log.lower()
    assert min(sizes) >= least, sizes


def tables(text: str) -> list[tuple[str, list[str]]]:
    """Of each table its columns and its rows."""
    body = r"\\begin\{tabular\}\{((?:p\{[^}]*\}|[^}])*)\}(.*?)\\end\{tabular\}"
    return [
        (columns, [line for line in rows.splitlines() if r"\\" in line and "multicolumn" not in line])
        for columns, rows in re.findall(body, text, re.DOTALL)
    ]


@pytest.mark.parametrize("name", ["of the issue", "many of both", "odd names", "four models", "own classes"])
def test_every_row_has_a_cell_for_each_column(name: str) -> None:
    for columns, rows in tables(texts()[name]):
        count = len(re.sub(r"p\{[^}]*\}", "p", columns))
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {count}


def test_the_overview_says_n_once_and_has_the_longer_list_downwards() -> None:
    eight = texts()["of the issue"]
    overview = eight[: eight.index(r"\end{table")]
    assert overview.count("n = 120") == 3, "once for each benchmark"
    ((columns, _),) = tables(overview)
    assert columns == "lrrr", "models downwards"
    both, *_ = tables(texts()["many of both"])
    assert both[0] == "l" + "r" * 12


def test_a_long_table_is_a_longtable_whose_headings_stand_on_each_page() -> None:
    text = texts()["many benchmarks"]
    overview = text[: text.index(r"\end{longtable}")]
    assert overview.count("benchmark & n & ") == 2, "of the first page, and of the others"
    assert overview.count(r"\endhead") == 1
    assert r"\begin{tabular}" not in overview
    assert r"\columnsagain" in text[text.index(r"\end{longtable}") :].splitlines()[:3]


def test_a_table_of_long_words_keeps_its_columns_narrow() -> None:
    text = texts()["compared"]
    assert r"\multicolumn{7}{l}{\textit{top-1}} \\" in text, "a name that several rows have stands once above them"
    assert r"no\textsuperscript{a}" in text
    assert r"\textsuperscript{a}\,of a number not checked\par" in text, "words beside a number are a note"
    (columns, _) = tables(text[text.index("caption{claims}") :])[0]
    assert columns == r"p{.4\linewidth}lr", "a sentence goes on in the next line"
    assert "Notes to the table of" in text, "more notes than a page has room for stand behind the table"


def test_columns_are_chosen_by_the_beginning_of_their_headings() -> None:
    write = registry.get("latex").content
    given = results(models(2), ("imagenet-c", "imagenet-c-bar"))
    text = write(given, columns=["mce", "IMAGENET-C"]).decode()
    headlines = text[text.index(r"\label{tab:imagenet-c-on-imagenet-hendrycks2019}") :].split(r"\midrule")[0]
    assert r"model & mCE $\downarrow$ \\" in headlines, "the other score is left out"
    by_condition = text[text.index("by-corruption") :].split(r"\midrule")[0]
    assert r"squeezenet1\_1-0" in by_condition, "a table without such a column is whole"
    with pytest.raises(ArgumentError, match=r"no table has a column 'top-9'; there are: .*mCE ↓"):
        write(given, columns=["top-9"])


def test_captions_and_notes_say_nothing_to_type() -> None:
    text = texts()["of the issue"]
    assert "ended at the most tokens that they may have" in text
    assert "max" + r"\_tokens" not in text
    assert "no picture shows --none" in text, "whose name looks like an option"


def test_own_classes_have_one_direction_by_corruption_too() -> None:
    """Their headline is a share of right answers, and so are its parts."""
    text = registry.get("latex").write([own_classes("mine")]).decode()
    assert r"accuracy by corruption $\uparrow$" in text
    assert re.search(r"^fog & 70.0 ", text, re.MULTILINE)
