"""Trackers of experiments: what they are told, with the real packages, and what becomes of one that fails."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hardiness.api.progress import TrackedListener
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import error_of
from hardiness.core.progress import Silence
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.loggers.logger import TrackerKind, TrackerRun, registry
from hardiness.report.loggers.tracking import TrackingSession, numbers_of
from hardiness.report.words import text

ABOUT = {"models": "first", "benchmarks": "imagenet-c"}


def result(model: str = "first", data: str = "imagenet") -> Result:
    scores = [
        Score("mean_error", 0.5, "fraction", 8),
        Score("mce", None, "ratio", 8, lack=error_of(ArgumentError("no baseline"))),
        Score("error", 0.25, "fraction", 8, condition=Condition(corruption="fog", severity=2)),
        Score("accuracy", 0.75, "fraction", 8, condition=Condition(epsilon=4 / 255)),
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019"))
    return Result(model, "imagenet-c", data, "hendrycks2019", scores, Counts(8, 8, 0, 8), run, {}, key="k")


class Kept:
    """A tracker that keeps what it is told, or fails."""

    def __init__(self, tracked: TrackerRun, fails: bool = False) -> None:
        self.name, self.fails, self.closed = tracked.name, fails, False
        self.points: list[tuple[Mapping[str, float], int]] = []

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        if self.fails:
            raise RuntimeError("the server is gone\nwith a second line")
        self.points.append((numbers, step))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Kept]:
    """Runs of a tracker ``kept``; one of ``broken`` fails."""
    runs: list[Kept] = []

    def opened(fails: bool) -> TrackerKind:
        return TrackerKind((), lambda tracked: runs.append(Kept(tracked, fails)) or runs[-1])  # type: ignore[func-returns-value]

    registry.names()
    monkeypatch.setitem(registry._entries, "kept", (opened(False), "here"))
    monkeypatch.setitem(registry._entries, "broken", (opened(True), "here"))
    return runs


def test_names_of_numbers_are_taken_by_every_tracker() -> None:
    assert numbers_of(result()) == {
        "imagenet-c/mean_error": 0.5,
        "imagenet-c/error/corruption.fog/severity.2": 0.25,
        "imagenet-c/accuracy/epsilon.0.01569": 0.75,
    }
    assert "imagenet-c/own-_b_/mean_error" in numbers_of(result(data="own-<b>"))


def test_progress_goes_to_one_run_and_scores_to_a_run_of_each_model(kept: list[Kept]) -> None:
    tracking = TrackingSession(("kept",), "out", ABOUT)
    listener = TrackedListener(Silence(), tracking, every_s=0)
    listener.begin("imagenet-c", 10, 4)
    listener.advance(6)
    listener.end()
    tracking.scores([result("first"), result("second")])
    tracking.close()
    assert [run.name for run in kept] == ["progress", "first", "second"]
    done = [numbers["imagenet-c/done"] for numbers, _ in kept[0].points]
    assert done[0] == 0.4
    assert done[-1] == 1.0
    assert kept[1].points == [(numbers_of(result("first")), 8)]
    assert all(run.closed for run in kept)


def test_a_tracker_that_fails_costs_nothing_but_itself(kept: list[Kept]) -> None:
    tracking = TrackingSession(("broken", "kept"), "out", ABOUT)
    tracking.progress("imagenet-c", 1, 2, 1.0)
    tracking.scores([result()])
    (problem,) = map(text, tracking.problems)
    assert problem.startswith(
        "the log to broken failed and was left out from then on; results are complete: RuntimeError"
    )
    assert "second line" not in problem
    assert [len(run.points) for run in kept if not run.fails] == [1, 1]


def test_what_cannot_be_used_is_told_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="logger"):
        TrackingSession(("mlfow",), "out", ABOUT).check()
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(
        ArgumentError, match=r"the log to wandb needs the package wandb.*pip install 'hardiness\[wandb\]'"
    ):
        TrackingSession(("wandb",), "out", ABOUT).check()


def track(name: str, out: Path) -> None:
    tracking = TrackingSession((name,), str(out), ABOUT)
    tracking.check()
    tracking.progress("imagenet-c", 1, 2, 3.5)
    tracking.progress("imagenet-c", 2, 2, 3.5)
    tracking.scores([result("first"), result("org/second model")])
    tracking.close()
    assert tracking.problems == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_the_event_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    track("tensorboard", tmp_path)
    assert sorted(path.name for path in (tmp_path / "tensorboard").iterdir()) == [
        "first",
        "org_second_model",
        "progress",
    ]
    found = EventAccumulator(str(tmp_path / "tensorboard" / "first")).Reload()
    (point,) = found.Scalars("imagenet-c/error/corruption.fog/severity.2")
    assert (point.step, point.value) == (8, 0.25)
    progress = EventAccumulator(str(tmp_path / "tensorboard" / "progress")).Reload()
    assert [(each.step, each.value) for each in progress.Scalars("imagenet-c/done")] == [(1, 0.5), (2, 1.0)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    track("mlflow", tmp_path)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("hardiness")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"progress", "first", "org/second model"}
    assert runs["first"].data.metrics["imagenet-c/error/corruption.fog/severity.2"] == 0.25
    assert runs["first"].data.params == ABOUT
    assert all(run.info.status == "FINISHED" for run in runs.values())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_wandb_writes_offline_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    track("wandb", tmp_path)
    wandb.teardown()  # its own process writes files: now all of them
    runs = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert len(runs) == 3
    written = b"".join(path.read_bytes() for run in runs for path in run.glob("*.wandb"))
    assert b"imagenet-c/error/corruption.fog/severity.2" in written
    assert b"org/second model" in written
