"""Notes below a table: what lacks for one reason is one note, and no note says a thing twice."""

from __future__ import annotations

from hardiness.report.notes import Note, merged

FEW = "has no interval: it needs 2 errors and 2 right answers, had {} of one of them"


def lacking(title: str, why: str, model: str) -> Note:
    return Note(f"{title} {why}", (model,), lacking=(title, why))


def test_numbers_that_lack_for_one_reason_are_one_note() -> None:
    notes = [lacking(title, FEW.format(had), model) for model, had in (("a", 0), ("b", 1)) for title in ("ECE", "NLL")]
    assert merged(notes, 2) == ["ECE and NLL have no interval: it needs 2 errors and 2 right answers"]
    assert merged(notes[:2], 2) == [
        "a: ECE and NLL have no interval: it needs 2 errors and 2 right answers, had 0 of one of them"
    ]
    assert merged(notes[:1], 1) == [notes[0].text]


def test_other_reasons_stay_apart_and_so_do_other_notes() -> None:
    undefined = lacking("RMS", "is undefined: bins need at least 200 samples, had 99", "a")
    notes = [Note("partial", ("a",)), lacking("ECE", FEW.format(0), "a"), undefined, Note("partial", ("b",))]
    assert merged(notes, 2) == ["partial", f"a: ECE {FEW.format(0)}", f"a: {undefined.text}"]
    assert merged([Note("of nobody", ())], 2) == ["of nobody"]
