"""mCE and its kin: from the published errors to the published numbers, and from a few rows to numbers by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Failure, Records
from hardiness.distortions.apply import corruptions
from hardiness.reference.published_numbers import baseline, published
from hardiness.reference.sets import distortion_set
from hardiness.report.words import text as said
from hardiness.statistics.intervals import proportion
from hardiness.statistics.measures import corruption_weights, relative_corruption_weights

IMAGENET_C = distortion_set("imagenet-c")

PUBLISHED = {  # Orhan 2019, in percent: mCE, relative mCE
    "resnext101_32x8d": (66.65, 91.07),
    "resnext101_32x8d_wsl": (51.74, 67.17),
    "resnext101_32x16d_wsl": (48.79, 64.92),
    "resnext101_32x32d_wsl": (46.99, 63.79),
    "resnext101_32x48d_wsl": (45.70, 61.87),
}

ALL = (*IMAGENET_C.members, *IMAGENET_C.extra)
CELLS = (Condition(), *(Condition(corruption=name, severity=s) for name in ALL for s in IMAGENET_C.levels))

ALEXNET = {  # round numbers to compute with by hand
    "clean_error": 0.4,
    "error_by_severity": {name: [0.5, 0.6, 0.7, 0.8, 0.9] for name in ALL},
}

CARD, RUN = cards.get("corruption"), Run(conditions=CELLS)

Wrong = Callable[[Condition, int], bool]


def records(images: int, wrong: Wrong, cells: Sequence[Condition] = CELLS) -> Records:
    """One row for each image and cell; ``wrong`` says whether the answer is."""
    rows = [(CELLS.index(cell), image, wrong(cell, image)) for cell in cells for image in range(images)]
    return Records(
        {
            "sample": np.array([f"n/{image}" for _, image, _ in rows]),
            "image": np.array([image for _, image, _ in rows], np.int32),
            "condition": np.array([cell for cell, _, _ in rows], np.int16),
            "label": np.zeros(len(rows), np.int32),
            "prediction": np.array([missed for _, _, missed in rows], np.int32),
        }
    )


def scores(given: Records, against: dict[str, object] | None = ALEXNET) -> dict[tuple[str, Condition], Score]:
    found = CARD.scores(CARD.table(given, RUN), RUN, against)
    by_key = {(score.metric, score.condition): score for score in found}
    assert len(by_key) == len(found), "(metric, condition) is unique"
    headlines = [not score.condition for score in found]
    assert headlines == sorted(headlines, reverse=True), "headlines first"
    return by_key


def value(found: dict[tuple[str, Condition], Score], metric: str, **condition: str | int) -> float:
    score = found[metric, Condition(**condition)]
    assert score.value is not None
    return score.value


def by_severity(cell: Condition, image: int) -> bool:
    """Of ten images one is wrong when clean, and severity + 1 at each severity; fog is one worse."""
    return image < (cell["severity"] + 1 + (cell["corruption"] == "fog") if cell else 1)


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_errors_give_the_published_ratios(model: str) -> None:
    alexnet = baseline("imagenet-c")
    assert alexnet is not None
    (top1,) = [p.value for p in published(model, "imagenet-val", "top1", {}) if "imagenet-testbed" in p.source]
    plain, relative = [], []
    for name in IMAGENET_C.members:
        (error,) = [p.value for p in published(model, "imagenet-c", "error", {"corruption": name})]
        divisor = {name: [np.mean(alexnet["error_by_severity"][name])]}
        plain.append(error * corruption_weights([name], [1], divisor)[0])
        weights = relative_corruption_weights([name], [1], alexnet["clean_error"], divisor)
        relative.append(np.array([error, 1 - top1]) @ weights)
    assert (round(100 * np.mean(plain), 2), round(100 * np.mean(relative), 2)) == PUBLISHED[model]


def test_the_card_and_the_kernels_know_the_same_corruptions_and_groups() -> None:
    for group, names in IMAGENET_C.groups.items():
        assert names == tuple(name for name in IMAGENET_C.members if corruptions.get(name).group == group)


def test_all_numbers_by_hand() -> None:
    found = scores(records(10, by_severity))
    # errors 0.2 … 0.6 sum to 2.0, fog's to 2.5; AlexNet's 0.5 … 0.9 to 3.5, above its clean error to 1.5
    ce, fog = 2.0 / 3.5, 2.5 / 3.5
    relative, fog_relative = (2.0 - 0.5) / 1.5, (2.5 - 0.5) / 1.5
    assert value(found, "ce", corruption="snow") == pytest.approx(ce)
    assert value(found, "ce", corruption="fog") == pytest.approx(fog)
    assert value(found, "relative_ce", corruption="fog") == pytest.approx(fog_relative)
    assert value(found, "mce") == pytest.approx((14 * ce + fog) / 15)
    assert value(found, "relative_mce") == pytest.approx((14 * relative + fog_relative) / 15)
    assert value(found, "mean_error") == pytest.approx((14 * 0.4 + 0.5) / 15)
    assert value(found, "clean_error") == pytest.approx(0.1)
    assert value(found, "error", corruption="fog") == pytest.approx(0.5)
    assert value(found, "error", group="noise") == pytest.approx(0.4)
    assert value(found, "error", group="weather") == pytest.approx((3 * 0.4 + 0.5) / 4)
    assert value(found, "error", severity=3) == pytest.approx((14 * 0.4 + 0.5) / 15)
    assert value(found, "error", corruption="fog", severity=5) == pytest.approx(0.7)
    assert found["error", Condition(corruption="fog", severity=5)].interval == proportion(7, 10)
    assert not any(score.higher_is_better for score in found.values())
    assert {score.n for score in found.values()} == {10}


def test_the_four_extra_corruptions_are_in_no_mean() -> None:
    without = scores(
        records(10, by_severity, [cell for cell in CELLS if cell.get("corruption") not in IMAGENET_C.extra])
    )
    with_extra = scores(
        records(10, lambda cell, image: cell.get("corruption") in IMAGENET_C.extra or by_severity(cell, image))
    )
    for key in without:
        assert without[key].value == pytest.approx(with_extra[key].value)
    assert value(with_extra, "error", corruption="spatter") == 1.0


@pytest.mark.parametrize("absent", [Condition(corruption="snow", severity=2), Condition(corruption="fog", severity=5)])
def test_a_missing_cell_makes_it_partial(absent: Condition) -> None:
    found = scores(records(10, by_severity, [cell for cell in CELLS if cell != absent]))
    assert not {"mce", "relative_mce"} & {metric for metric, _ in found}
    left = [s for s in IMAGENET_C.levels if s != absent["severity"]]
    divisor = sum(0.4 + 0.1 * s for s in left)
    name = absent["corruption"]
    expected = sum(0.1 * (s + 1 + (name == "fog")) for s in left) / divisor
    assert value(found, "ce", corruption=name) == pytest.approx(expected), "both sums are over the severities there are"
    others = [2.5 / 3.5 if other == "fog" else 2.0 / 3.5 for other in IMAGENET_C.members if other != name]
    assert value(found, "mce_partial") == pytest.approx((sum(others) + expected) / 15)


def test_cells_of_other_images_or_with_failures_make_it_partial() -> None:
    whole = records(10, by_severity)
    fog = (whole["condition"] == CELLS.index(Condition(corruption="fog", severity=1))) & (whole["sample"] == "n/3")
    assert ("mce_partial", Condition()) in scores(whole.where(~fog))
    failed = Records(whole.columns, (Failure("n/10", "cannot be read", tuple(range(len(CELLS)))),))
    assert ("mce_partial", Condition()) in scores(failed)
    extra_failed = Records(whole.columns, (Failure("n/10", "cannot be read", (len(CELLS) - 1,)),))
    assert ("mce", Condition()) in scores(extra_failed), "mCE does not rest on the four extra ones"


def test_without_clean_rows_or_a_baseline_a_reason_stands_in_place_of_the_number() -> None:
    found = scores(records(10, by_severity, CELLS[1:]))
    assert value(found, "mce") > 0
    relative = found["relative_mce", Condition()]
    assert relative.value is None
    assert "imagenet/val" in said(relative.lack)
    own = scores(records(10, by_severity), None)
    assert own["mce", Condition()].value is None
    assert value(own, "mean_error") > 0
    assert not {metric for metric, _ in own} & {"ce", "relative_ce"}


def test_extra_corruptions_alone_have_errors_and_no_mce() -> None:
    found = scores(records(4, by_severity, [cell for cell in CELLS if cell.get("corruption") == "saturate"]))
    assert found["mce_partial", Condition()].value is None
    assert value(found, "error", corruption="saturate") == pytest.approx((2 + 3 + 4 + 4 + 4) / 20)


def test_cells_of_one_image_move_together() -> None:
    """An image is wrong everywhere or nowhere: 75 cells then say no more than one."""

    def together(cell: Condition, image: int) -> bool:
        return image % 3 == 0

    def alone(cell: Condition, image: int) -> bool:
        return bool(np.random.default_rng([CELLS.index(cell), image]).random() < 1 / 3)

    n = 120
    correlated = scores(records(n, together))["mean_error", Condition()]
    independent = scores(records(n, alone))["mean_error", Condition()]
    assert correlated.interval is not None
    assert independent.interval is not None
    width = correlated.interval.high - correlated.interval.low
    normal = 2 * 1.96 * np.sqrt(1 / 3 * 2 / 3 / n)
    assert width == pytest.approx(normal, rel=0.15)
    one = scores(records(n, together, [CELLS[0], Condition(corruption="fog", severity=1)]))["mean_error", Condition()]
    assert one.interval is not None
    assert one.interval.low == pytest.approx(correlated.interval.low)
    assert one.interval.high == pytest.approx(correlated.interval.high)
    assert independent.interval.high - independent.interval.low < width / 4


def test_relative_mce_of_a_model_that_only_loses_what_it_loses_when_clean_shows_no_spread() -> None:
    """Clean and corrupted errors of an image fall out of each other: what rounding leaves of them is no spread."""
    found = scores(records(60, lambda cell, image: image % 4 == 0))
    relative = found["relative_mce", Condition()]
    assert relative.value == pytest.approx(0)
    assert relative.interval is None
    assert said(relative.lack) == "it needs 2 images that differ, had 0"


def test_a_run_divided_by_itself_is_one_in_every_ratio() -> None:
    given = records(10, by_severity)
    own = CARD.as_baseline(CARD.table(given, RUN), RUN)
    found = scores(given, own)
    assert value(found, "mce") == pytest.approx(1)
    assert value(found, "relative_mce") == pytest.approx(1)
    assert all(value(found, "ce", corruption=name) == pytest.approx(1) for name in IMAGENET_C.members)


def test_a_run_stops_by_the_ratios_that_it_is_scored_by() -> None:
    """Also where the model that ratios divide by is never wrong on clean pictures."""
    given = records(10, by_severity)
    table = CARD.table(given, RUN)
    never_wrong = {"clean_error": 0.0, "error_by_severity": {name: [0.1, 0.2, 0.3, 0.4, 0.5] for name in ALL}}
    for against in (never_wrong, baseline("imagenet-c")):
        found = scores(given, against)
        sums = {each.metric: each for each in CARD.sums(table, RUN, against)}
        for metric in ("mce", "relative_mce", "mean_error", "clean_error"):
            assert sums[metric].estimate(np.arange(len(table))).value == pytest.approx(value(found, metric))
    assert value(scores(given, never_wrong), "relative_mce") == pytest.approx(
        value(scores(given, never_wrong), "mce") - 0.1 * 5 / 1.5
    )


def test_a_baseline_without_errors_or_without_cells_gives_a_reason_and_no_number() -> None:
    perfect = {"clean_error": 0.0, "error_by_severity": {name: [0.0] * 5 for name in ALL}}
    absent = {
        "clean_error": float("nan"),
        "error_by_severity": {name: [float("nan")] * 5 for name in ALL},
    }
    for against in (perfect, absent):
        found = scores(records(10, by_severity), against)
        for metric in ("mce", "relative_mce"):
            assert found[metric, Condition()].value is None
            assert "the baseline has no" in said(found[metric, Condition()].lack)
