"""Names and numbers as short text."""

from __future__ import annotations

import io

import pytest
from rich.table import Table
from rich.text import Text

from hardiness.report.format import PlainConsole, number, shortened_apart

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
