"""What is kept beside rows: computed once, and again where it is of something else, damaged or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.fact import error_of
from hardiness.core.result import Score
from hardiness.statistics.intervals import proportion
from hardiness.statistics.spreads.shares import ShareOfImages
from hardiness.store.local_files import LocalFiles
from hardiness.store.memo import VALUES, Memo


def memo(folder: Path, key: str = "k", part: str = "rows", *, trusted: bool = False, anew: bool = False) -> Memo:
    return Memo(LocalFiles(folder), "run", (), key, part, trusted, anew)


def never() -> None:
    pytest.fail("it was kept")


def test_a_value_is_computed_once_for_what_it_is_of(tmp_path: Path) -> None:
    first = memo(tmp_path)
    assert first.value("scores", "a", lambda: {"value": (1, 2)}) == {"value": [1, 2]}, "as JSON gives it back"
    assert first.value("scores", "a", never) == {"value": [1, 2]}
    assert memo(tmp_path).last("scores") is None, "not kept yet"
    first.save()
    assert memo(tmp_path).value("scores", "a", never) == {"value": [1, 2]}
    assert memo(tmp_path).value("scores", "b", lambda: 3) == 3
    assert memo(tmp_path).value("nothing", "", lambda: None) is None
    assert memo(tmp_path, anew=True).value("scores", "a", lambda: 4) == 4
    assert memo(tmp_path, key="other").value("scores", "a", lambda: 5) == 5
    assert memo(tmp_path, key="other", trusted=True).last("scores") == {"value": [1, 2]}


def test_a_record_is_given_as_it_is_computed_and_read_as_it_was(tmp_path: Path) -> None:
    computed = [
        Score("top1", 0.1 + 0.2, "fraction", 10, ShareOfImages(3, 10)),
        Score("top5", None, "fraction", 0, lack=error_of(ArgumentError("none"))),
    ]
    first = memo(tmp_path)
    assert first.record(list[Score], "scores", "a", lambda: computed) is computed, "nothing is written to be read again"
    assert first.record(list[Score], "scores", "a", never) == computed
    first.save()
    (kept, undefined) = memo(tmp_path).record(list[Score], "scores", "a", never)
    assert [kept, undefined] == computed
    assert kept.interval == proportion(3, 10)
    assert memo(tmp_path).record(list[Score], "scores", "b", lambda: computed[1:]) == computed[1:], "of something else"
    assert memo(tmp_path).record(type(None), "nothing", "", lambda: None) is None


def test_a_record_of_another_form_is_told(tmp_path: Path) -> None:
    first = memo(tmp_path)
    first.value("scores", "a", lambda: [{"metric": "top1"}])
    with pytest.raises(StoreError, match="scores must have the field"):
        first.record(list[Score], "scores", "a", never)


def test_parts_of_one_file_leave_each_other_as_they_are_and_another_key_drops_its_own(tmp_path: Path) -> None:
    mine, theirs, proof = memo(tmp_path), memo(tmp_path), memo(tmp_path, key="", part="proved")
    mine.value("a", "", lambda: 1)
    theirs.value("b", "", lambda: 2)
    proof.put("shards", "", {"x": 1})
    for each in (mine, theirs, proof):
        each.save()
    assert [memo(tmp_path).last(name) for name in "ab"] == [1, 2], "both processes' values are there"
    later = memo(tmp_path, key="later")
    assert later.last("a") is None
    later.value("c", "", lambda: 3)
    later.save()
    assert memo(tmp_path).last("a") is None, "what is of former rows does not pile up"
    assert memo(tmp_path, key="", part="proved").last("shards") == {"x": 1}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"0"\n{"rows": ["k", {"a": ["", 9]}]}', None])
def test_what_is_damaged_or_cannot_be_written_is_computed_anew(tmp_path: Path, content: bytes | None) -> None:
    kept = memo(tmp_path)
    kept.value("a", "", lambda: 1)
    if content is None:
        (tmp_path / "run").write_text("in the way")
    else:
        kept.save()
        (tmp_path / "run" / VALUES).write_bytes(content)
    again = memo(tmp_path)
    assert again.value("a", "", lambda: 2) == 2
    again.save()
    assert memo(tmp_path).last("a") == (None if content is None else 2)
