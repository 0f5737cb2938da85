"""Leases: one holder at a time, none for ever, and never in the way of what is stored."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from hardiness.store import Leases
from hardiness.store.files import LocalFiles


def test_a_lease_has_one_holder_until_it_is_given_back(tmp_path: Path) -> None:
    first, second = Leases(LocalFiles(tmp_path), holder="a"), Leases(LocalFiles(tmp_path), holder="b")
    assert first.take("unit")
    assert not second.take("unit")
    assert 0 < second.expires_in_s("unit") <= first.length_s
    second.give_back("unit")
    assert not second.take("unit"), "only its holder ends it"
    first.give_back("unit")
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


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"holder": 3, "until": "x"}', "\xff"])
def test_a_damaged_lease_holds_nothing(tmp_path: Path, text: str) -> None:
    leases = Leases(LocalFiles(tmp_path), holder="a")
    leases.take("unit")
    (tmp_path / ".leases" / "unit").write_bytes(text.encode("latin-1"))
    assert leases.take("unit")


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_clocks_that_differ_delay_by_no_more_than_a_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    """Two machines, or one whose clock jumps: creating the file decides who takes a lease, and nobody waits long."""
    files = LocalFiles(tmp_path)
    there, here = Leases(files, 300, "there"), Leases(files, 300, "here")
    now, mono = time.time(), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: now + ahead_s)
    assert there.take("unit")
    monkeypatch.setattr(time, "time", lambda: now)
    assert here.take("unit") is (ahead_s < 0), "one that ran out by our clock is taken over: the work is done twice"
    monkeypatch.setattr(time, "monotonic", lambda: mono + 302)
    assert here.take("unit"), "one that is far ahead is over once its length has passed here"
