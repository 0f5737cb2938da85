"""Names and numbers as short text."""

from __future__ import annotations

import io

import pytest
from rich.table import Table
from rich.text import Text

from hardiness.core.result import TextTable
from hardiness.report.format import FittingTable, PlainConsole, number, shortened_apart, terminal_table

HEAD, TAIL = "onnx:/home/somebody/models/run", "/checkpoints/epoch_100/network_int8.onnx"


@pytest.mark.parametrize(
    "names",
    [
        [f"{HEAD}{which}{TAIL}" for which in "12"],
        [f"{HEAD}{run}{TAIL}/{seed}{TAIL}" for run in "12" for seed in "34"],
        [HEAD, f"{HEAD}{TAIL}", f"{HEAD}{TAIL}{TAIL}", f"{HEAD}{TAIL}{TAIL}{TAIL}"],
        ["a" * count for count in range(1, 40)],
        [f"{HEAD}1{TAIL}", "alexnet"],
    ],
)
def test_names_that_would_be_cut_to_the_same_text_show_what_differs(names: list[str]) -> None:
    shown = shortened_apart(names, 20)
    assert list(shown) == names
    assert len(set(shown.values())) == len(names)
    assert max(map(len, shown.values())) <= 20
    assert all(shown[name] == name for name in names if len(name) <= 20)


def test_a_name_is_cut_in_the_middle_where_that_tells_it_from_others() -> None:
    assert shortened_apart([f"first{HEAD}", f"second{HEAD}"], 13) == {
        f"first{HEAD}": "firsto…ls/run",
        f"second{HEAD}": "second…ls/run",
    }


def test_a_console_gives_its_own_colours_and_nothing_else_of_what_a_terminal_obeys() -> None:
    stream = io.StringIO()
    console = PlainConsole(file=stream, force_terminal=True, width=60, color_system="standard")
    table = Table("class\x07")
    table.add_row(Text("cup\x1b]0;gone\x07\x9b31m", style="red"))
    console.print(table)
    console.print("two\nlines, a\ttab \u202ename\u2066 café °\x1b[2J", markup=False, highlight=False)
    text = stream.getvalue()
    assert "\x1b[31mcup]0;gone31m\x1b[0m" in text
    assert "two\nlines, a" in text
    assert "name café °[2J\n" in text
    assert not set("\x07\x9b\u202e\u2066") & set(text)


def test_a_number_that_rounds_to_nothing_has_no_sign() -> None:
    assert (number(-0.0001, "fraction"), number(-0.0, "nats"), number(-0.001, "ratio")) == ("0.0", "0", "-0.1")


NAMES = ("benchmark-of-a-long-name", "timm:convnext_tiny.in12k_ft_in1k")


def printed(width: int, *parts: object, encoding: str = "utf-8", **settings: object) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding, errors="backslashreplace")
    console = PlainConsole(file=stream, width=width, **settings)
    for part in parts:
        console.print(part)
    stream.seek(0)
    return stream.read()


def test_codes_of_pictures_stay_as_they_were_typed() -> None:
    text = printed(60, "chat:llama:7b", Text("hf:smile:x"), Table("a:cat:b"))
    assert all(name in text for name in ("chat:llama:7b", "hf:smile:x", "a:cat:b"))


def test_a_locale_without_unicode_gets_words_for_signs_and_colours_stay_at_them() -> None:
    table = FittingTable(("mCE ↓",), [("1 … 2",)])
    text = printed(60, Text.assemble(("top-1 ↑", "red"), " 1–2 …"), "a → b", table, encoding="ascii")
    assert "top-1 higher is better 1-2 ..." in text
    assert "a to b" in text
    assert "mCE lower is better" in text
    assert "1 ... 2" in text
    assert "\\u" not in text
    coloured = printed(
        60, Text.assemble(("↑", "red"), "x"), encoding="ascii", force_terminal=True, color_system="standard"
    )
    assert "\x1b[31mhigher is better\x1b[0mx" in coloured
    assert "↑" in printed(60, "top-1 ↑")


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_no_name_is_cut_and_what_is_said_beside_it_goes_first(width: int) -> None:
    rows = [
        (*NAMES, "a question of several words that may be broken", "Somebody et al. 2019, arXiv:1901.12345", "p" * 13)
    ]
    heads = ("benchmark", "model", "question", "paper", "protocol")
    text = printed(width, FittingTable(heads, rows, named=2, droppable=("paper", "protocol")))
    assert max(map(len, text.splitlines())) <= width
    assert all(name in text for name in NAMES)
    assert "several" in text
    assert "…" not in text
    assert ("arXiv:1901.12345" in text) == (width == 160)
    assert ("p" * 13 in text) == (width >= 100) == ("paper and protocol" not in text)


def test_where_names_do_not_fit_beside_each_other_they_stand_below_and_a_verdict_keeps_its_colour() -> None:
    view = TextTable("t", ("model", "verdict", "value"), ((f"{NAMES[1]}\nweights 1", "fail", "1.0"),), named=2)
    narrow = printed(46, *terminal_table(view, {"fail": "red"}), force_terminal=True, color_system="standard")
    lines = narrow.splitlines()
    assert any(NAMES[1] in line for line in lines)
    assert any("\x1b[31mfail\x1b[0m" in line and NAMES[1] not in line for line in lines)
    wide = printed(80, *terminal_table(view, {"fail": "red"}), force_terminal=True, color_system="standard")
    assert any("\x1b[31mfail\x1b[0m" in line and NAMES[1] in line for line in wide.splitlines())


def test_words_that_have_no_room_are_broken_and_lose_no_letter() -> None:
    text = printed(20, FittingTable(("a", "b"), [("x" * 50, "y" * 30)]))
    assert (text.count("x"), text.count("y")) == (50, 30)
    assert max(map(len, text.splitlines())) <= 20
