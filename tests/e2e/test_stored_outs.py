"""Output folders of earlier versions: the same key, the same bytes, nothing computed again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import hardiness
from hardiness.core.errors import StoreError
from hardiness.core.forms import json_form
from hardiness.core.run import ModelIdentity, Plan, Run
from hardiness.engine import tasks
from hardiness.store import store as store_module
from hardiness.store.store import Store
from hardiness.store.writing import as_json

GOLDEN = Path(__file__).parents[1] / "reference" / "out_f2dda58"
COMMANDS = (
    ("imagenet-val", "--limit", "4"),
    ("imagenet-c:corruptions=contrast,severities=1+3", "--limit", "4"),
)
STORED = {"24ad6ff9dc39bcd0": "imagenet-c", "d3abe4b15f961994": "blackbox", "e6422b7252dfeb90": "imagenet-val"}
RESAMPLING = "pillow>=13"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A copy of the folder that f2dda58 wrote."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "out"))


def records(out: Path) -> dict[str, bytes]:
    """The bytes of everything that is no cache of what was computed from rows."""
    paths = (path for path in (out / "records").rglob("*") if path.is_file() and path.parent.name != "scored")
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def test_run_json_keeps_its_bytes_and_its_key() -> None:
    found = Store(GOLDEN).survey()
    assert found.problems == ()
    assert {run.key: run.run.benchmark.name for run in found.runs} == STORED
    for stored in found.runs:
        assert stored.run.key == stored.key == stored.path.rpartition("--")[2]
        written = as_json({"key": stored.run.key, **stored.run.as_dict(), "plan": stored.plan})
        assert written == stored.content("run.json")


def test_files_that_earlier_versions_kept_beside_rows_are_ignored(out: Path, hardiness: Any) -> None:
    shown = hardiness("show", out)
    for run in (out / "records").iterdir():
        shutil.rmtree(run / "scored")
        (run / "scored").mkdir()
        (run / "scored" / "scores.json").write_text('{"digest": "0", "known": {"facts": {"of": "", "value": 1}}}')
        (run / "proved.json").write_text('{"000000-000000000000.parquet": [1, "2"]}')
    (out / "compared.json").write_text('{"digest": "0", "comparisons": [{}]}')
    again = hardiness("show", out)
    assert (again.status, again.out) == (shown.status, shown.out)
    assert shown.status == 0
    assert (out / "compared.json").read_text() == '{"digest": "0", "comparisons": [{}]}'


@pytest.mark.parametrize(
    "command", [("show",), ("show", "--json"), ("gate", "--policy", "rules.toml"), ("export", "--format", "csv")]
)
def test_a_command_looks_through_the_folder_once(
    command: tuple[str, ...], out: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surveys: list[str] = []
    survey = store_module.survey_runs
    monkeypatch.setattr(store_module, "survey_runs", lambda files: surveys.append(files.address) or survey(files))
    (tmp_path / "rules.toml").write_text('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.0\n')
    name, *options = command
    told = hardiness(name, out, *(str(tmp_path / each) if each.endswith(".toml") else each for each in options))
    assert told.status == 0, told.err
    assert surveys == [str(out)]


@pytest.mark.slow
def test_the_same_commands_compute_nothing(out: Path, hardiness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RESAMPLING", RESAMPLING)  # what resizes depends on the machine, and is in the key
    before = records(out)
    for benchmark, *limit in COMMANDS:
        command = ("run", "-m", "squeezenet1_1", "-b", benchmark, "--data", "embedded", "--device", "cpu", *limit)
        told = hardiness(*command, "--out", out)
        assert told.status == 0, told.err
    assert records(out) == before


GROWN = (
    ("run.py", "    versions: Mapping[str, Any] = field(default_factory=dict)\n", '    sampling: str = "all"\n'),
    ("run.py", '    code_sha256: str = ""\n', "    adapters: tuple[str, ...] = ()\n"),
    ("run.py", "    columns: tuple[str, ...] = ()\n", "    rounds: int = 1\n"),
    ("run.py", "    categories: Mapping[str, tuple[int, ...]] = field(default_factory=dict)\n", "    years: int = 0\n"),
    ("run.py", '    fed: str = ""\n', "    rotated: float = 0.0\n"),
    ("run.py", "    whole: tuple[int, ...] = ()\n", "    lanes: int = 1\n"),
    ("model.py", '    range: PixelRange = "0..1"\n', "    gamma: float | None = None\n"),
    ("run.py", "    options: Mapping[str, Any] = field(default_factory=dict)\n", "    momentum: float = 0.0\n"),
)


@pytest.mark.slow
def test_a_field_that_is_added_leaves_stored_runs_as_they_are(out: Path, tmp_path: Path) -> None:
    """The package with a field more in each part of a run's identity: one line each, as a programmer would add it."""
    source = tmp_path / "source" / "hardiness"
    shutil.copytree(Path(hardiness.__file__).parent, source, ignore=shutil.ignore_patterns("__pycache__"))
    for name, last, added in GROWN:
        text = (source / "core" / name).read_text()
        assert text.count(last) >= 1
        (source / "core" / name).write_text(text.replace(last, last + added, 1))
    resizing = source / "imaging" / "resizing.py"
    resizing.write_text(re.sub(r"^RESAMPLING = .*$", f'RESAMPLING = "{RESAMPLING}"', resizing.read_text(), flags=re.M))
    before = records(out)

    def run(*arguments: str | Path) -> str:
        command = [sys.executable, "-m", "hardiness.cli", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(source.parent)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    checked = "from hardiness.core import Run; print(Run().sampling, Run().model.view.gamma)"
    environment = {**os.environ, "PYTHONPATH": str(source.parent)}
    grown = subprocess.run([sys.executable, "-c", checked], capture_output=True, text=True, env=environment, check=True)
    assert grown.stdout == "all None\n"
    common = ("--data", "embedded", "--device", "cpu", "--limit", "4", "--out", out)
    run("run", "-m", "squeezenet1_1", "-b", COMMANDS[0][0], "-b", COMMANDS[1][0], *common)
    assert records(out) == before
    shown = run("show", out)
    assert all(name in shown for name in STORED.values())


@dataclass(frozen=True, slots=True)
class GrownModel(ModelIdentity):
    adapters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrownRun(Run):
    sampling: str = "all"


def test_a_later_field_counts_where_it_is_not_at_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    import hardiness.core.run as run_module

    usual = Run(model=ModelIdentity("net", "ab"))
    assert GrownRun(model=GrownModel("net", "ab")).canonical() == usual.canonical()
    grown = [GrownRun(model=GrownModel("net", "ab", adapters=("lora",))), GrownRun(usual.model, sampling="first")]
    assert len({usual.key, *(each.key for each in grown)}) == 3
    assert grown[0].as_dict().keys() - usual.as_dict().keys() == {"model_adapters"}
    assert grown[1].as_dict().keys() - usual.as_dict().keys() == {"sampling"}
    for each in grown:
        with pytest.raises(StoreError, match=r"has the field '(model_adapters|sampling)', which this version does not"):
            Run.from_dict(each.as_dict())
    monkeypatch.setattr(run_module, "ModelIdentity", GrownModel)
    for each in grown:
        assert GrownRun.from_dict(each.as_dict()).canonical() == each.canonical()
    assert GrownRun.from_dict(grown[0].as_dict()) == grown[0]
    assert GrownRun.from_dict(usual.as_dict()).sampling == "all"


def test_a_later_field_without_a_default_is_refused() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Grown(Plan):
        lanes: int

    with pytest.raises(TypeError, match="'lanes' came later and must have a default"):
        json_form(Grown(lanes=3))


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
