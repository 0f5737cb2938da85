"""Notes below a table: what lacks for one reason is one note, and no note says a thing twice."""

from __future__ import annotations

from hardiness.core.fact import too_few
from hardiness.report.notes import Note, merged

FEW = "has no interval: it needs 2 errors and 2 right answers, had {} of one of them"


def lacking(title: str, had: int, model: str) -> Note:
    lack = too_few((2, "errors"), (2, "right answers"), had=(had,))
    return Note(f"{title} {FEW.format(had)}", (model,), title=title, lack=lack)


def test_numbers_that_lack_for_one_reason_are_one_note() -> None:
    notes = [lacking(title, had, model) for model, had in (("a", 0), ("b", 1)) for title in ("ECE", "NLL")]
    assert merged(notes, 2) == ["ECE and NLL have no interval: it needs 2 errors and 2 right answers"]
    assert merged(notes[:2], 2) == [
        "a: ECE and NLL have no interval: it needs 2 errors and 2 right answers, had 0 of one of them"
    ]
    assert merged(notes[:1], 1) == [notes[0].text]


def test_other_reasons_stay_apart_and_so_do_other_notes() -> None:
    lack = too_few((200, "images"), had=(99,))
    undefined = Note("RMS is undefined: it needs 200 images, had 99", ("a",), title="RMS", lack=lack, is_undefined=True)
    notes = [Note("partial", ("a",)), lacking("ECE", 0, "a"), undefined, Note("partial", ("b",))]
    assert merged(notes, 2) == ["partial", f"a: ECE {FEW.format(0)}", f"a: {undefined.text}"]
    assert merged([Note("of nobody", ())], 2) == ["of nobody"]
