"""Output folders as they lie on a disk: looked through once, renamed, of another layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hardiness.store import store as store_module

STORED = Path(__file__).parents[1] / "reference" / "stored_out"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A copy of a small folder with three runs."""
    return Path(shutil.copytree(STORED, tmp_path / "out"))


def records(out: Path) -> dict[str, bytes]:
    """The bytes of everything that is no cache of what was computed from rows."""
    paths = (path for path in (out / "records").rglob("*") if path.is_file() and path.parent.name != "scored")
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def test_a_folder_of_another_layout_is_refused_in_a_line(
    out: Path, hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    (described, *_) = sorted((out / "records").glob("*/run.json"))
    former = {name: value for name, value in json.loads(described.read_text()).items() if name != "layout"}
    described.write_text(json.dumps(former))
    before = records(out)
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.0\n')
    run = ("run", "-m", factory(), "-b", "imagenet-val", "--data", "embedded", "--limit", "2", "--device", "cpu")
    for command in (("show", out), ("report", out), ("gate", out, "--policy", rules), (*run, "--out", out)):
        told = hardiness(*command)
        assert told.status == 2
        assert told.lines == [
            f"hardiness: {described} has layout None, and this version reads and writes 1: install the version that "
            f"wrote {out}, or evaluate into another folder"
        ]
    assert records(out) == before


@pytest.mark.parametrize(
    "command",
    [
        ("show",),
        ("show", "--json"),
        ("gate", "--policy", "rules.toml"),
        ("export", "--format", "csv"),
        ("report", "--no-images"),
        ("report", "--evidence", "filed"),
    ],
)
def test_a_command_looks_through_the_folder_once(
    command: tuple[str, ...], out: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules.toml").write_text('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.0\n')
    assert hardiness("gate", out, "--policy", tmp_path / "rules.toml").status == 0, "whose verdicts a page shows"
    surveys: list[str] = []
    survey = store_module.survey_runs
    monkeypatch.setattr(store_module, "survey_runs", lambda files: surveys.append(files.address) or survey(files))
    name, *options = command
    in_folder = [str(tmp_path / each) if each in ("rules.toml", "filed") else each for each in options]
    told = hardiness(name, out, *in_folder)
    assert told.status == 0, told.err
    assert surveys == [str(out)]


def test_a_folder_that_was_renamed_is_used_and_named(
    hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    out = tmp_path / "out"
    command = ("run", "-m", factory(), "-b", "imagenet-val", "--data", "embedded", "--limit", "3", "--device", "cpu")
    assert hardiness(*command, "--out", out).status == 0
    (folder,) = (out / "records").iterdir()
    (first,) = results(out)
    renamed = folder.rename(folder.with_name("mine"))
    before = records(out)
    told = hardiness(*command, "--out", out)
    assert told.status == 0
    assert records(out) == before, "nothing is computed again"
    assert [each["run"]["key"] for each in results(out)] == [first["run"]["key"]]
    line = f"{renamed} holds the run {first['run']['key']}, whose folder is records/{folder.name}: it was renamed"
    assert [each for each in told.lines if "whose folder is" in each] == [
        f"{line}, and is used as it is; give it that name again"
    ]
    shown = hardiness("show", out)
    assert sum(line in each for each in shown.lines) == 1
    assert shown.status == 0, "nothing is missing"
    assert hardiness("report", out, "--no-images").status == 0
    shutil.copytree(renamed, folder)
    told = hardiness(*command, "--out", out)
    assert [each["run"]["key"] for each in results(out)] == [first["run"]["key"]], "one key, one row"
    (line,) = (each for each in told.lines if "whose folder is" in each)
    assert line.endswith(f"whose folder is records/{folder.name}, which is there too: this one is left out; delete it")


def test_of_two_renamed_folders_of_one_run_the_one_that_is_used_is_named(
    hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("run", "-m", factory(), "-b", "imagenet-val", "--data", "embedded", "--limit", "2", "--device", "cpu")
    assert hardiness(*command, "--quiet", "--out", out).status == 0
    (folder,) = (out / "records").iterdir()
    used = folder.rename(folder.with_name("a"))
    shutil.copytree(used, folder.with_name("b"))
    shown = hardiness("show", out)
    assert shown.status == 0
    first, second = (each for each in shown.lines if " holds the run " in each)
    assert first.startswith(f"{used} holds the run")
    assert first.endswith(
        f"whose folder is records/{folder.name}: it was renamed, and is used as it is; give it that name again"
    )
    assert second.startswith(f"{folder.with_name('b')} holds the run")
    assert second.endswith(f"which {used} holds too and is used from there: this one is left out; delete it")
