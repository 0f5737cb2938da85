"""Names and numbers as short text."""

from __future__ import annotations

import pytest

from hardiness.report.format import shortened_apart

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
