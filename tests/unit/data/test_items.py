"""Ids: the class and the stem, unique whatever the files are called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardiness.data.items import LabelledFile, items
from hardiness.sources.files import DiskFile


def ids(*paths: str) -> list[str]:
    return [item.id for item in items(LabelledFile("n1", path, 0, DiskFile(path)) for path in paths)]


def test_the_suffix_is_dropped_and_ids_are_sorted() -> None:
    assert ids("b.JPEG", "a.jpg", "sub/c.d.png") == ["n1/a", "n1/b", "n1/sub/c.d"]


def test_files_that_differ_in_the_suffix_keep_it() -> None:
    assert ids("a.jpg", "a.png", "b.jpg") == ["n1/a.jpg", "n1/a.png", "n1/b"]


def test_a_stem_that_looks_like_a_kept_name_keeps_its_suffix_too() -> None:
    assert ids("a.jpg", "a.png", "a.jpg.png") == ["n1/a.jpg", "n1/a.jpg.png", "n1/a.png"]


names = st.text("ab.", min_size=1, max_size=6).map(lambda stem: f"x{stem}.jpg")


@given(st.sets(st.one_of(names, names.map(lambda name: name + ".png")), max_size=30))
def test_ids_are_unique(paths: set[str]) -> None:
    found = ids(*paths)
    assert len(set(found)) == len(paths)
    assert found == sorted(found)
