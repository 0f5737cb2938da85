"""From stored rows to a page of numbers: a synthesised ImageNet-C run of 50,000 images under 76 conditions.

The rival is this project at the commit before image tables (checked out beside, as a git worktree), in the same run:
``show`` on the same rows, each side in a process of its own. Then ``show`` of 20 models from what the first call kept.

    python bench/scoring.py [--images 50000] [--models 20] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from apart import apart
from bars import alternating, at_most, sized, tell, versions
from checkouts import SOURCES, CommandCall, call, revision
from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.reference.sets import distortion_set
from hardiness.store.store import Store

IMAGENET_C = distortion_set("imagenet-c")

RIVAL = "62324c2"
"""The last commit that scored all rows of all runs at every call."""

REPETITIONS = sized(3)
CELLS = [Condition(corruption=c, severity=s) for c in IMAGENET_C.members for s in IMAGENET_C.levels]
CONDITIONS = (Condition(), *CELLS)
TOLERANCE = 1e-9


def rows(images: range, generator: np.random.Generator) -> Records:
    """What the engine stores of some images under all conditions."""
    n = len(images) * len(CONDITIONS)
    label = np.repeat(np.array([image % 1000 for image in images], np.int32), len(CONDITIONS))
    right = generator.random(n) < np.tile(np.linspace(0.8, 0.2, len(CONDITIONS)), len(images))
    top = generator.integers(0, 1000, (n, 5)).astype(np.int16)
    top[:, 0] = np.where(right, label, (label + 1) % 1000)
    return Records(
        {
            "sample": np.repeat(
                [f"n{image % 1000:08d}/ILSVRC2012_val_{image:08d}" for image in images], len(CONDITIONS)
            ),
            "condition": np.tile(np.arange(len(CONDITIONS), dtype=np.int16), len(images)),
            "frame": np.zeros(n, np.int16),
            "label": label,
            "prediction": top[:, 0].astype(np.int32),
            "confidence": generator.random(n, np.float32),
            "top5_class": top,
            "top5_logit": generator.random((n, 5), np.float32),
        }
    )


def identity(images: int, model: str = "synthesised") -> Run:
    """The run of one model."""
    return Run(
        ModelIdentity(model, "w" * 64),
        BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019", {"jpeg": True}),
        DataIdentity("imagenet", "f" * 64, images, 1000),
        conditions=CONDITIONS,
        versions={"rows": 2},
    )


def write(out: Path, images: int, per_shard: int, models: int = 1) -> None:
    """A run of this version for each model, all of the same answers."""
    generator = np.random.default_rng(0)
    plan = Plan(batch_size=32, whole=tuple(range(1, len(CONDITIONS))))
    runs = [Store.create(out).run(identity(images, f"m{model}"), plan) for model in range(models)]
    for shard, start in enumerate(range(0, images, per_shard)):
        given = rows(range(start, min(start + per_shard, images)), generator)
        work = list(zip(given["sample"].tolist(), given["condition"].tolist(), strict=True))
        for run in runs:
            run.write(shard, work, given)


def write_former(out: Path, source: Path) -> None:
    """The same rows as the rival stores them, in links."""
    (template,) = source.glob("records/*")
    described = json.loads((template / "run.json").read_text())
    found, benchmark = described["run"], described["run"]["benchmark"]
    former = {
        **{name: found["model"][name] for name in ("weights_sha256", "view")},
        **{name: found[name] for name in ("input", "conditions", "seed", "precision")},
        **{"benchmark": benchmark["name"], "options": benchmark["options"], "protocol": benchmark["protocol"]},
        "scorer": benchmark["card"],
        "data": {name: found["data"][name] for name in ("name", "fingerprint", "samples", "num_classes")},
        "resampling": 1,
        "rows_version": 1,
        "plan": {"batch_size": 32, "location": "", "released": None, "whole": described["plan"]["whole"]},
    }
    folder = out / "records" / f"m0--imagenet-c--{0:016x}"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"key": f"{0:016x}", "model": "m0", **former}))
    for path in template.glob("*.parquet"):
        os.link(path, folder / path.name)


def forget(out: Path) -> None:
    """Delete what earlier calls kept."""
    for kept in out.glob("records/*/scored"):
        shutil.rmtree(kept)


def values(told: str) -> dict[str, float | None]:
    """Every score of the first result, by metric and condition."""
    scores = json.loads(told)[0]["scores"]
    return {f"{score['metric']} {sorted(score['condition'].items())}": score["value"] for score in scores}


def check_equal(theirs: CommandCall, ours: CommandCall) -> int:
    """How many scores both sides give; leaves where any of them differs or one is gone. Ours may have more."""
    first, second = values(theirs.out), values(ours.out)
    apart = [key for key in first if abs((first[key] or 0) - (second.get(key) or 0)) > TOLERANCE]
    if apart or first.keys() - second.keys():
        raise SystemExit(f"the two sides differ in {apart[:3] or set(first) - set(second)}")
    return len(first)


def measured(folder: Path, images: int, models: int) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The bars and notes."""
    small, large, two, every, one = (folder / name for name in ("small", "large", "two", "every", "one"))
    # In a process of its own: where a process is started from a large one, its peak counts from there on some systems.
    with apart("writer") as ask:
        ask["writer"](write, small, images, 16)
        ask["writer"](write, large, images, 256)
        ask["writer"](write, two, images, 256, 2)
        ask["writer"](write, every, images, 256, models)
    write_former(one, small)
    with revision(RIVAL) as theirs:
        seen: dict[str, CommandCall] = {}

        def side(name: str, source: Path, out: Path) -> float:
            forget(out)
            seen[name] = call(source, "show", out, "--json")
            return seen[name].seconds

        first, ours = alternating(
            REPETITIONS, lambda: side("theirs", theirs, one), lambda: side("ours", SOURCES, small)
        )
    scores = check_equal(seen["theirs"], seen["ours"])
    side("large", SOURCES, large)
    # What comparisons take beside a table, a second model brings; what each further one adds is what counts.
    pair = call(SOURCES, "show", two)
    many = call(SOURCES, "show", every)
    further = (many.peak_mb - pair.peak_mb) / max(models - 2, 1)
    kept = [call(SOURCES, "show", every) for _ in range(REPETITIONS)]
    usage = [call(SOURCES, "--help").seconds for _ in range(REPETITIONS)]
    table = next(small.glob("records/*/scored/images.parquet")).stat().st_size / 1e6
    bars = {
        f"show of {models} models from what was kept, s": at_most(
            statistics.median(each.seconds for each in kept), 0.5
        ),
        "first show, 256 images a shard, s": at_most(seen["large"].seconds, 3.0),
        "first show, 16 images a shard, s": at_most(ours, 7.0),
        "its peak, MB": at_most(max(each.peak_mb for each in kept), 400.0),
        "first show: peak, MB": at_most(seen["ours"].peak_mb, 300.0),
        f"first show of {models} models: peak, MB": at_most(many.peak_mb, 320.0),
        "first show: MB for each model after the second": at_most(further, 2.0),
        "peak with 16 times as many shards": at_most(seen["ours"].peak_mb / seen["large"].peak_mb, 1.15),
        "image table, MB": at_most(table, 27.0),
        "--help, s": at_most(statistics.median(usage), 0.5),
    }
    notes = {
        "first show: times faster than the rival": first / ours,
        "images": images,
        "rows": images * len(CONDITIONS),
        "scores compared": scores,
        "rival: first show, s": first,
        "rival: peak, MB": seen["theirs"].peak_mb,
        f"first show of {models} models, s": many.seconds,
        f"first show of {models} models: peak, over that of one": many.peak_mb / seen["large"].peak_mb,
    }
    return bars, notes


def main() -> int:
    """Print the figures; 0 where every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=sized(50_000, 40))
    parser.add_argument("--models", type=int, default=sized(20, 2))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bars, notes = measured(Path(folder), options.images, options.models)
    return tell(bars, notes, versions("numpy", "pyarrow"), REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())
