"""Data that change: what was evaluated of the rest stays, and no row is stored under the name of other data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hardiness.reference.classes import wnids


def evaluated(out: Path) -> int:
    """Rows computed by the last session."""
    sessions = [json.loads(path.read_text()) for path in sorted(out.glob("records/*/measured/*.json"))]
    return int(sessions[-1]["rows"]) if sessions else 0


def test_another_cell_or_a_changed_one_is_evaluated_alone(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    root = tree(4)
    cells = ["--corruptions", "contrast+brightness", "--severities", "1"]
    assert hardiness("make", "corruptions", "--format", "jpeg", root, tmp_path / "c", *cells, "--quiet").status == 0
    (tmp_path / "c" / "manifest.json").unlink()
    aside = tmp_path / "aside"
    shutil.move(tmp_path / "c" / "brightness", aside)
    model, out = factory(), tmp_path / "x"
    command = ["run", "-m", model, "-b", "imagenet-c:corruptions=contrast+brightness,severities=1", "--out", out]
    hardiness(*command, "--data", f"imagenet-c={tmp_path / 'c'}", "--quiet")
    assert evaluated(out) == 4
    shutil.move(aside, tmp_path / "c" / "brightness")
    assert hardiness(*command, "--data", f"imagenet-c={tmp_path / 'c'}", "--quiet").status == 0
    assert len(list(out.glob("records/*"))) == 1
    assert len(list(out.glob("records/*/measured/*.json"))) == 2
    assert evaluated(out) == 4, "the cell that came alone"
    first = results(out)[0]["scores"]
    victim = sorted((tmp_path / "c" / "contrast" / "1").rglob("*.JPEG"))[0]
    other = sorted((tmp_path / "c" / "brightness" / "1").rglob("*.JPEG"))[-1]
    victim.unlink()
    shutil.copy(other, victim)
    assert hardiness(*command, "--data", f"imagenet-c={tmp_path / 'c'}", "--quiet").status == 0
    assert evaluated(out) == 4, "the cell that changed alone"
    assert len(list(out.glob("records/*"))) == 1
    assert results(out)[0]["counts"]["evaluated"] == 8
    assert [s["metric"] for s in results(out)[0]["scores"]] == [s["metric"] for s in first]


def test_a_photograph_that_changes_while_it_is_evaluated_fails_alone(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    root = tree(4)
    chosen = sorted((root / "imagenet" / "val").rglob("*.JPEG"))
    copied = [(path, path.resolve()) for path in chosen]
    for link, target in copied:
        link.unlink()
        shutil.copy(target, link)
    replaces = f" + [__import__('shutil').copy({str(chosen[1])!r}, {str(chosen[0])!r}), 0][1]"
    told = hardiness(
        "run", "-m", factory(tail=replaces), "-b", "imagenet-val", "--data", root, "--out", tmp_path / "x",
        "--runtime", "torch",
    )  # fmt: skip
    assert told.status == 1
    (line,) = [line for line in told.out.splitlines() if line.startswith("failed")]
    assert str(chosen[0]) in line
    assert "changed" in line
    (result,) = results(tmp_path / "x")
    assert (result["counts"]["evaluated"], result["counts"]["failed"]) == (3, 1)


def test_files_passed_over_empty_folders_and_photographs_that_are_gone_are_told(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    root = tree(4)
    photographs = sorted((root / "imagenet" / "val").rglob("*.JPEG"))
    folder = photographs[0].parent
    for name in ("a.jp2", "b.jp2", "c.avif", "d.tga", "none", "read.jpe", "read.JFIF"):
        shutil.copy(photographs[0].resolve(), folder / name)
    (empty := root / "imagenet" / "val" / next(each for each in wnids() if not (folder.parent / each).exists())).mkdir()
    command = ["run", "-m", factory(), "-b", "imagenet-val", "--data", root, "--out", tmp_path / "x"]
    told = hardiness(*command)
    assert told.status == 0, told.err
    examples = ", ".join(f"{folder.name}/{name}" for name in ("a.jp2", "b.jp2", "c.avif"))
    passed_over = f"5 files are passed over (2 .jp2, 1 .avif, 1 .tga, 1 without a suffix; for example {examples} …)"
    assert passed_over in told.err
    assert f"1 folder is without an image ({empty.name})" in told.err
    assert results(tmp_path / "x")[0]["counts"]["evaluated"] == 6, "four, and the two JPEGs of other suffixes"
    for photograph in (*photographs[2:], folder / "read.jpe"):
        photograph.unlink()
    planned = hardiness(*command, "--plan")
    gone = f"imagenet at {root / 'imagenet'}: 3 of 6 images are gone since an earlier run"
    assert planned.status == 0
    assert passed_over in planned.err
    assert gone in planned.err
    assert "6 images then, 3 now" in planned.err
    assert gone in hardiness(*command).err


def test_a_folder_of_known_files_alone_says_nothing(hardiness: Any, tree: Any, tmp_path: Path, factory: Any) -> None:
    told = hardiness("run", "-m", factory(), "-b", "imagenet-val", "--data", tree(3), "--out", tmp_path / "x", "--plan")
    assert told.lines == []
