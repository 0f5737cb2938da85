"""Leases: one holder at a time, none for ever, and never in the way of what is stored."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from hardiness.core import ArgumentError
from hardiness.store import Leases
from hardiness.store.files import LocalFiles
from hardiness.store.leases import deaths


def test_a_lease_has_one_holder_until_it_is_given_back(tmp_path: Path) -> None:
    first, second = Leases(LocalFiles(tmp_path), holder="a"), Leases(LocalFiles(tmp_path), holder="b")
    assert first.take("unit")
    assert not second.take("unit")
    assert 0 < second.expires_in_s("unit") <= first.length_s
    second.give_back("unit")
    assert not second.take("unit"), "only its holder ends it"
    first.give_back("unit")
    first.renew()
    assert second.take("unit")


def test_a_lease_that_has_run_out_is_anybodys(tmp_path: Path) -> None:
    first, second = Leases(LocalFiles(tmp_path), length_s=0.0, holder="a"), Leases(LocalFiles(tmp_path), holder="b")
    assert first.take("unit")
    assert second.take("unit")
    assert not Leases(LocalFiles(tmp_path), holder="c").take("unit")


def test_a_clock_far_ahead_delays_by_no_more_than_a_lease(tmp_path: Path) -> None:
    leases = Leases(LocalFiles(tmp_path), length_s=10.0, holder="a")
    leases.take("unit")
    path = tmp_path / ".leases" / "unit"
    path.write_text(json.dumps({"holder": "b", "until": 1e12}))
    assert leases.expires_in_s("unit") == 10.0


def test_deaths_of_holders_are_counted(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    for expected, holder in enumerate(("a", "b", "b")):  # the second b is another process of that name
        leases = Leases(files, length_s=0.0, holder=holder)
        leases.look(["unit"])
        assert deaths(leases, "unit") == expected
        assert leases.take("unit")
    path = tmp_path / ".leases" / "unit"
    for odd in (-3, 1e300, float("nan"), "x", [1], None):
        path.write_text(json.dumps({"holder": "c", "until": 0, "deaths": odd}))
        leases.look(["unit"])
        assert 1 <= deaths(leases, "unit") <= 1001


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"holder": 3, "until": "x"}', "\xff"])
def test_a_damaged_lease_holds_nothing(tmp_path: Path, text: str) -> None:
    leases = Leases(LocalFiles(tmp_path), holder="a")
    leases.take("unit")
    (tmp_path / ".leases" / "unit").write_bytes(text.encode("latin-1"))
    assert leases.take("unit")


def test_a_version_is_shared_and_another_is_refused_by_name(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    first, second, other = (Leases(files, holder=name) for name in "abc")
    first.join("1.0")
    second.join("1.0")
    with pytest.raises(ArgumentError, match=r"hardiness 1\.0 is at work in .* \(b\), and this is hardiness 2\.0"):
        other.join("2.0")
    late = Leases(files, holder="d", now=lambda: time.time() + 2 * second.length_s)
    late.join("2.0")


def test_machines_whose_clocks_differ_go_by_the_stores(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    for ahead in (3600.0, -3600.0):
        wrong = Leases(files, holder=f"wrong {ahead}", now=lambda ahead=ahead: time.time() + ahead)
        right = Leases(files, holder=f"right {ahead}")
        right.join("1")
        wrong.join("1")
        assert wrong.ahead_s == pytest.approx(ahead, abs=5)
        assert right.ahead_s == 0
        assert wrong.take(f"x{ahead}")
        assert right.expires_in_s(f"x{ahead}") == pytest.approx(right.length_s, abs=5)
        assert right.take(f"y{ahead}")
        assert wrong.expires_in_s(f"y{ahead}") == pytest.approx(right.length_s, abs=5)


def test_leases_outlast_work_of_any_length_and_end_with_it(tmp_path: Path) -> None:
    first, second = Leases(LocalFiles(tmp_path), 0.3, holder="a"), Leases(LocalFiles(tmp_path), 0.3, holder="b")
    with first.renewed():
        assert first.take("unit")
        renewed = threading.Event()
        first.files = _Told(first.files, renewed)  # type: ignore[assignment]
        assert renewed.wait(30), "it must be dated anew by itself"
    assert second.take("unit")
    assert list(tmp_path.glob(".leases/*")) == [tmp_path / ".leases" / "unit"]


class _Told:
    """Files that tell when one is written."""

    def __init__(self, files: LocalFiles, event: threading.Event) -> None:
        self._files, self._event = files, event

    def __getattr__(self, name: str) -> object:
        if name == "write":
            self._event.set()
        return getattr(self._files, name)


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_clocks_that_differ_delay_by_no_more_than_a_lease(tmp_path: Path, ahead_s: float) -> None:
    """Two machines, or one whose clock jumps: creating the file decides who takes a lease, and nobody waits long."""
    files, clock = LocalFiles(tmp_path), [time.time()]
    there = Leases(files, 300, "there", now=lambda: clock[0] + ahead_s)
    here = Leases(files, 300, "here", now=lambda: clock[0])
    assert there.take("unit")
    assert here.take("unit") is (ahead_s < 0), "one that ran out by our clock is taken over: the work is done twice"
    clock[0] += 302
    assert here.take("unit"), "one that is far ahead is over once its length has passed here"
