"""From published errors by condition to the published aggregates of ImageNet-C-bar and ImageNet-3DCC."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.corruptions import corruption_benchmark
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import BenchmarkIdentity, Run
from hardiness.core.table import Records
from hardiness.reference.published_numbers import baseline, published, published_series
from hardiness.reference.sets import distortion_set

IMAGES = 5000


def scored(name: str, errors: dict[Condition, float], clean: float | None = None) -> dict[tuple[str, Condition], Score]:
    """The scores of rows that err as often as is said, on 5,000 images."""
    conditions = corruption_benchmark(name)().conditions()
    rows = {Condition(): clean} if clean is not None else {}
    rows |= errors
    wrong = np.concatenate([np.arange(IMAGES) < round(rate * IMAGES) for rate in rows.values()])
    records = Records(
        {
            "sample": np.tile([f"n/{image}" for image in range(IMAGES)], len(rows)),
            "image": np.tile(np.arange(IMAGES, dtype=np.int32), len(rows)),
            "condition": np.repeat([conditions.index(cell) for cell in rows], IMAGES).astype(np.int16),
            "label": np.zeros(len(wrong), np.int32),
            "prediction": wrong.astype(np.int32),
        }
    )
    run = Run(benchmark=BenchmarkIdentity(name=name), conditions=conditions)
    card = cards.get("corruption")
    return {(s.metric, s.condition): s for s in card.scores(card.table(records, run), run, baseline(name))}


def test_3dcc_gives_the_published_mce_of_resnet50() -> None:
    errors = {
        row.condition: row.value for row in published_series("imagenet-3dcc", "error")["robustbench:Standard_R50"]
    }
    assert len(errors) == 60
    found = scored("imagenet-3dcc", errors, clean=1 - 0.7672)
    for metric in ("mce", "mean_error"):
        (known,) = published("robustbench:Standard_R50", "imagenet-3dcc", metric, {})
        assert found[metric, Condition()].value == pytest.approx(known.value, abs=5e-5)


def test_alexnet_is_its_own_baseline_on_3dcc() -> None:
    alexnet = baseline("imagenet-3dcc")
    assert alexnet is not None
    errors = {
        Condition(corruption=name, severity=k + 1): row[k]
        for name, row in alexnet["error_by_severity"].items()
        for k in range(5)
    }
    found = scored("imagenet-3dcc", errors, clean=alexnet["clean_error"])
    assert found["mce", Condition()].value == pytest.approx(1)
    assert found["relative_mce", Condition()].value == pytest.approx(1)


@pytest.mark.parametrize("model", sorted(published_series("imagenet-c-bar", "mean_error")))
def test_c_bar_gives_the_published_mean_of_the_published_columns(model: str) -> None:
    columns = {row.condition["corruption"]: row.value for row in published_series("imagenet-c-bar", "error")[model]}
    assert set(columns) == set(distortion_set("imagenet-c-bar").members)
    errors = {Condition(corruption=name, severity=s): rate for name, rate in columns.items() for s in range(1, 6)}
    found = scored("imagenet-c-bar", errors)
    (known,) = published(model, "imagenet-c-bar", "mean_error", {})
    assert found["mean_error", Condition()].value == pytest.approx(known.value, abs=7e-4)
    assert not {"mce", "relative_mce"} & {metric for metric, _ in found}


def test_a_part_of_c_bar_is_not_called_its_mean_error() -> None:
    errors = {Condition(corruption="sparkles", severity=s): 0.4 for s in range(1, 6)}
    found = scored("imagenet-c-bar", errors)
    assert ("mean_error", Condition()) not in found
    assert found["mean_error_partial", Condition()].value == pytest.approx(0.4)
