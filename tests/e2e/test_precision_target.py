"""``--precision-target``: a run ends when its headline is exact enough, and says which intervals hold then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from told import warnings_of

import hardiness as package
from hardiness.benchmarks.options import parse
from hardiness.core.progress import Silence
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine import worker
from hardiness.engine.evaluation import prepared
from hardiness.engine.rounds import Rounds
from hardiness.models.loading import load
from hardiness.statistics.sequences import share_interval
from hardiness.statistics.stopping import Extent
from hardiness.store.store import Store

Told = Callable[..., Any]


def command(model: str, root: Path, out: Path, *more: str, benchmark: str = "imagenet-val") -> list[str]:
    return ["run", "-m", model, "-b", benchmark, "--data", str(root), "--out", str(out), "--runtime", "torch", *more]


def cells(out: Path) -> dict[str, set[int]]:
    """By image the conditions under which it was evaluated, over all files of the one run."""
    found: dict[str, set[int]] = {}
    for file in sorted(out.glob("records/*/*.parquet")):
        table = pq.read_table(file, columns=["sample", "condition"])
        for sample, condition in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
            found.setdefault(sample, set()).add(condition)
    return found


def top1(result: dict[str, Any]) -> dict[str, Any]:
    return next(score for score in result["scores"] if score["metric"] == "top1" and not score["condition"])


def test_it_stops_and_shows_the_interval_that_holds(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any
) -> None:
    out, model, root = tmp_path / "x", network(), dull()
    told = hardiness(*command(model, root, out, "--precision-target", "0.13"))
    assert told.status == 0, told.err
    (result,) = results(out)
    score = top1(result)
    n, hits = score["n"], round(score["value"] * score["n"])
    assert n == 100
    interval = share_interval(hits, n)
    assert score["interval"] == [interval.low, interval.high]
    assert (interval.high - interval.low) / 2 <= 0.13
    assert not result["complete"]
    assert result["stop"] == {"precision_target": 0.13, "rows": 100, "policy": "", "companions": []}
    assert "partial: evaluated 100 of 240 images" in warnings_of(result)
    (marked,) = [line for line in warnings_of(result) if line.startswith("stopped at a precision target of 0.13")]
    assert "the intervals of top-1, top-5 hold although rows were looked at" in marked
    assert "stopped at a precision target of 0.13" in " ".join(told.out.split())


def test_the_same_command_computes_nothing_and_a_smaller_target_adds_images(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, root = network(), dull()
    at_once, in_steps = tmp_path / "once", tmp_path / "steps"
    assert hardiness(*command(model, root, in_steps, "--precision-target", "0.15")).status == 0
    before = {path: path.stat().st_mtime_ns for path in in_steps.glob("records/*/*.parquet")}
    with monkeypatch.context() as patch:
        patch.setattr(worker, "classify", lambda *_: pytest.fail("nothing must be computed, but for the look"))
        assert hardiness(*command(model, root, in_steps, "--precision-target", "0.15")).status == 0
    first = cells(in_steps)
    assert hardiness(*command(model, root, in_steps, "--precision-target", "0.1")).status == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert hardiness(*command(model, root, at_once, "--precision-target", "0.1")).status == 0
    assert cells(in_steps) == cells(at_once)
    assert set(first) < set(cells(at_once))
    (steps,), (once,) = results(in_steps), results(at_once)
    assert steps["scores"] == once["scores"]
    assert 100 < top1(once)["n"] < 240
    # Whoever wants the rest gets it, with the usual interval and no mark.
    assert hardiness(*command(model, root, in_steps)).status == 0
    (whole,) = results(in_steps)
    assert whole["complete"]
    assert whole["stop"] is None
    assert not any("stopped" in line for line in warnings_of(whole))


def test_an_interrupted_run_stops_where_an_undisturbed_one_does(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any
) -> None:
    model, root = network(), dull()
    assert hardiness(*command(model, root, tmp_path / "a", "--limit", "37")).status == 0
    for out in (tmp_path / "a", tmp_path / "b"):
        assert hardiness(*command(model, root, out, "--precision-target", "0.1")).status == 0
    assert cells(tmp_path / "a") == cells(tmp_path / "b")
    (disturbed,), (undisturbed,) = results(tmp_path / "a"), results(tmp_path / "b")
    assert disturbed["scores"] == undisturbed["scores"]


def test_images_get_random_cells_and_are_used_up_before_cells(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any
) -> None:
    out, root = tmp_path / "x", dull(60)
    chosen = "imagenet-c:corruptions=brightness+contrast,severities=1+3+5"
    told = hardiness(*command(network(), root, out, "--precision-target", "0.3", benchmark=chosen))
    assert told.status == 0, told.err
    by_image = cells(out)
    counts = {len(found) for found in by_image.values()}
    assert len(by_image) == 60
    assert counts <= {2, 3, 4}
    assert len({frozenset(found) for found in by_image.values()}) > 5
    (result,) = results(out)
    score = next(score for score in result["scores"] if score["metric"] == "mce_partial")
    assert score["n"] == 60
    assert (score["interval"][1] - score["interval"][0]) / 2 <= 0.3
    assert not result["complete"]
    assert any("the intervals of mCE of a part" in line for line in warnings_of(result))


def test_a_model_that_answered_everything_helps_the_next_one(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any
) -> None:
    out, root, dear = tmp_path / "x", dull(800), network(0.3, "dear")
    alone = hardiness(*command(dear, root, tmp_path / "alone", "--precision-target", "0.07"))
    assert alone.status == 0, alone.err
    assert hardiness(*command(network(0.15, "cheap"), root, out)).status == 0
    told = hardiness(*command(dear, root, out, "--precision-target", "0.07"))
    assert told.status == 0, told.err
    helped = next(result for result in results(out) if not result["complete"])
    (unhelped,) = results(tmp_path / "alone")
    assert len(helped["stop"]["companions"]) == 1
    assert top1(helped)["n"] < top1(unhelped)["n"]
    assert any("answered on all" in line for line in warnings_of(helped))
    low, high = top1(helped)["interval"]
    assert (high - low) / 2 <= 0.07
    compared = " ".join(hardiness("compare", out).out.split())
    assert "dear.py:build; p and intervals of differences are those of one target" in compared
    assert hardiness(*command(dear, root, out)).status == 0
    assert "precision target" not in hardiness("compare", out).out, "of whole runs nothing is said"
    assert hardiness(*command(dear, root, tmp_path / "alone")).status == 0
    assert low <= top1(results(tmp_path / "alone")[0])["value"] <= high


ATTACK = "whitebox:epsilons=0.01+0.1,steps=1,must_break=false,cross_checks=false,protocol=standard"


@pytest.mark.parametrize(
    ("benchmark", "target", "metric"),
    [
        ("imagenet-w", "0.4", "in_w_gap"),
        ("typographic", "0.4", "typographic_drop"),
        ("shift-consistency:passes=3", "0.3", "consistency"),
        (ATTACK, "0.2", "accuracy"),
    ],
)
def test_every_headline_that_is_a_mean_over_images_can_be_stopped_by(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any, benchmark: str, target: str, metric: str
) -> None:
    out, model, root = tmp_path / "x", network(0.5), dull(130, grain=100)
    told = hardiness(*command(model, root, out, "--precision-target", target, benchmark=benchmark))
    assert told.status == 0, told.err
    (result,) = results(out)
    assert result["counts"]["images"] == 100, "the first round was enough"
    score = next(
        each
        for each in result["scores"]
        if each["metric"] == metric
        and each["condition"].get("epsilon", 0.1) == 0.1
        and "shift" not in each["condition"]
    )
    low, high = score["interval"]
    assert low <= score["value"] <= high
    assert 0 < (high - low) / 2 <= float(target)
    assert any(line.startswith(f"stopped at a precision target of {target}") for line in warnings_of(result))


@pytest.mark.parametrize(
    ("benchmark", "more", "says"),
    [
        ("imagenet-val", ["--precision-target", "0"], "precision-target must be above 0, was 0"),
        ("imagenet-val", ["--precision-target", "-0.1"], "precision-target must be above 0, was -0.1"),
        ("imagenet-val", ["--precision-target", "nan"], "precision-target must be above 0, was nan"),
        ("imagenet-val", ["--precision-target", "0.1", "--worker", "0/2"], "does not go with worker"),
        ("imagenet-val", ["--precision-target", "0.1", "--engine", "ray"], "does not go with Ray"),
        (
            "ood-unit-tests",
            ["--precision-target", "0.1"],
            "precision-target does not go with ood-unit-tests, whose headline is no mean over images that could be "
            "stopped early; it goes with apgd-fab-square, autoattack, blackbox, ",
        ),
        ("imagenet-val", ["--precision-target", "0.005"], "40 images give ±0.063 at best; it would take at least"),
        ("imagenet-val", ["--time-budget", "30"], "time-budget must be a time as in 90s, 30m or 1h30m, was '30'"),
        ("imagenet-val", ["--time-budget", "0s"], "time-budget must be above 0, was 0"),
        ("imagenet-val", ["--time-budget", "9m", "--worker", "0/2"], "does not go with worker"),
    ],
)
def test_what_cannot_be_asked_costs_one_line(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, benchmark: str, more: list[str], says: str
) -> None:
    told = hardiness(*command(network(), dull(40), tmp_path / "x", *more, benchmark=benchmark))
    assert told.status == 2
    assert len(told.lines) == 1, told.err
    assert says in told.err
    assert not (tmp_path / "x").exists()


def test_a_target_beyond_all_images_says_what_it_would_take_and_keeps_what_it_has(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any
) -> None:
    out = tmp_path / "x"
    told = hardiness(*command(network(), dull(), out, "--precision-target", "0.04"))
    assert told.status == 2
    (line,) = [line for line in told.lines if line.startswith("hardiness:")]
    assert "precision-target cannot be reached on imagenet-val" in line
    assert "240 images give about ±" in line
    assert "it would take about " in line
    (result,) = results(out)
    assert top1(result)["n"] == 100  # that it takes half as many again as there are is plain after the first round
    target = line.rpartition("a target of ")[2]
    assert hardiness(*command(network(), dull(), out, "--precision-target", target)).status == 0


def test_from_python(dull: Any, network: Any, tmp_path: Path) -> None:
    result = package.evaluate(network(), "imagenet-val", str(dull()), precision_target=0.13, progress=False)
    assert result.counts.images == 100
    assert result.stop is not None
    assert result.stop.precision_target == 0.13
    assert json.dumps(result.as_dict())


@pytest.mark.parametrize(("budget", "evaluated"), [("0.001s", 0), ("9h", 240)])
def test_a_budget_ends_with_what_it_has_and_names_what_is_missing(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any, budget: str, evaluated: int
) -> None:
    model, root, out = network(), dull(), tmp_path / "x"
    told = hardiness(*command(model, root, out, "--time-budget", budget))
    assert told.status == 0, told.err
    (result,) = results(out)
    assert result["counts"]["evaluated"] == evaluated
    missing = "imagenet-val: the time was over after 0 of 240 images; the same command continues"
    assert (missing in told.lines) == (evaluated == 0)
    assert hardiness(*command(model, root, out)).status == 0
    assert hardiness(*command(model, root, tmp_path / "y")).status == 0
    assert results(out)[0]["scores"] == results(tmp_path / "y")[0]["scores"]


def test_a_budget_from_python(dull: Any, network: Any) -> None:
    result = package.evaluate(network(), "imagenet-val", str(dull(24)), time_budget_s=9999, progress=False)
    assert result.counts.complete


def test_a_few_images_in_a_few_random_cells_are_scored_without_an_interval(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any
) -> None:
    """As a time budget leaves them: most resamples have no image in some cell, so no mean over cells is known."""
    out, benchmark = tmp_path / "x", parse("imagenet-c:corruptions=brightness+contrast")
    data, model = benchmark.dataset(locate([str(dull(4))])), load(network(), device="cpu", runtime="torch")
    begun = prepared(benchmark, [model], data, Store.create(out), Request(), Silence())
    Rounds(begun.workers).evaluate(Extent(4, 2))
    told = hardiness("show", out, "--json")
    assert told.status == 0, told.err
    (result,) = json.loads(told.out)
    score = next(score for score in result["scores"] if score["metric"].startswith("mce"))
    assert score["value"] is not None
    assert score["interval"] is None
    assert score["lack"]["code"] == "thin cell"
