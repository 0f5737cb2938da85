"""timm's published results: rows by size and crop, places among them, and what is said of a run beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardiness.benchmarks.accuracy_warnings import is_part, released_of, warnings_of
from hardiness.core.condition import Condition
from hardiness.core.model import View
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.reference.published_numbers import published_for
from hardiness.reference.timm_results import TIMM_IMAGES, TIMM_SETS, TimmRow, best_rows, timm_row, timm_rows
from hardiness.report.marks import marks_of
from hardiness.report.section import notes_of
from hardiness.report.words import line as said
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.shares import ShareOfImages


def test_every_row_is_read() -> None:
    assert (len(timm_rows()), len({row.model for row in timm_rows()})) == (1557, 1267)
    assert {len(best_rows(name)) for name in TIMM_SETS} <= {1266, 1267}
    assert set(TIMM_SETS) == set(TIMM_IMAGES)


def test_of_several_rows_it_is_the_one_of_the_runs_size_and_crop() -> None:
    name = "timm:convnext_large.fb_in22k_ft_in1k"
    small = timm_row(ModelIdentity(name, view=View(resize_px=256, crop_px=224)))
    large = timm_row(ModelIdentity(name, view=View(resize_px=288, crop_px=288)))
    assert isinstance(small, TimmRow)
    assert isinstance(large, TimmRow)
    assert (small.top1["imagenet-val"], large.top1["imagenet-val"]) == (0.86612, 0.87012)
    neither = timm_row(ModelIdentity(name, view=View(resize_px=320, crop_px=320)))
    assert neither == (
        "timm published convnext_large.fb_in22k_ft_in1k at 288 px of 288 and 224 px of 256, not at 320 px of 320"
    )
    assert timm_row(ModelIdentity("mine")) is None


def result(top1: float, n: int, benchmark: str = "imagenet-val", model: str = "timm:resnet50.tv_in1k") -> Result:
    card = "classification" if benchmark == "imagenet-val" else "subset_classification"
    data = benchmark.replace("imagenet-val", "imagenet")
    run = Run(ModelIdentity(model), BenchmarkIdentity(benchmark, card), DataIdentity(data, "f", n))
    scores = [Score("top1", top1, "fraction", n, ShareOfImages(round(top1 * n), n))]
    return Result(model, benchmark, data, "p", scores, Counts(n, n, 0, n), run, {})


def test_a_difference_beyond_what_n_allows_warns_of_preprocessing() -> None:
    (row,) = published_for(ModelIdentity("timm:resnet50.tv_in1k"), "imagenet-val", "top1", {})
    assert row.value == pytest.approx(0.7615, abs=0.001)
    assert not list(map(said, warnings_of(result(row.value, 50_000))))
    assert any("check the preprocessing" in text for text in map(said, warnings_of(result(row.value - 0.01, 50_000))))
    few = list(map(said, warnings_of(result(row.value - 0.05, 200))))
    assert not any("check the preprocessing" in text for text in few), "chance, on 200 photographs"
    assert any("check the preprocessing" in text for text in map(said, warnings_of(result(row.value - 0.25, 200))))


def test_the_place_among_all_and_among_those_of_at_most_its_size() -> None:
    found = result(0.40, 30_000, "imagenet-r")
    (note,) = [each.text for each in notes_of(found) if "would be place" in each.text]
    rows = best_rows("imagenet-r")
    at = 1 + sum(row.top1["imagenet-r"] > 0.40 for row in rows)
    small = [row for row in rows if row.parameters_m <= 25.56]
    assert note.startswith(f"top-1 would be place {at:,} (")
    assert f"of {len(rows):,} models and {1 + sum(row.top1['imagenet-r'] > 0.40 for row in small):,} (" in note
    assert f"of {len(small):,} of at most 25.6 million parameters" in note


def test_nothing_is_said_of_other_classes_or_of_the_demo() -> None:
    of_birds = result(0.4, 300)
    own = replace(of_birds, run=replace(of_birds.run, data=DataIdentity("own-birds", "f", 300, 20)))
    demo = replace(of_birds, run=replace(of_birds.run, data=DataIdentity("embedded", "f", 99)))
    for each in (own, demo):
        assert not [note for note in notes_of(each) if "timm" in note.text]


def test_a_part_has_no_place_and_no_place_is_beyond_the_number_of_models() -> None:
    assert not [note for note in notes_of(result(1.0, 120)) if "place" in note.text], "120 pictures are not the set"
    part = replace(result(0.8, 50_000), counts=Counts(50_000, 49_000, 0, 49_000))
    assert not [note for note in notes_of(part) if "place" in note.text]
    (last,) = [note.text for note in notes_of(result(0.0, 50_000)) if "would be place" in note.text]
    assert "would be place 1,266 of 1,266 models" in last


def test_a_set_smaller_than_published_is_partial_wherever_it_is_shown() -> None:
    assert released_of(result(0.8, 250)) == 50_000
    assert is_part(result(0.8, 250))
    assert "partial" in marks_of(result(0.8, 250))
    assert not is_part(result(0.8, 50_000))
    assert "a part of imagenet: 250 of the 50,000 images that were released" in list(
        map(said, warnings_of(result(0.8, 250)))
    )
    demo = replace(result(0.8, 99), run=replace(result(0.8, 99).run, data=DataIdentity("embedded", "f", 99)))
    assert released_of(demo) is None
    half = replace(result(0.8, 25_000), run=replace(result(0.8, 25_000).run,
                   benchmark=BenchmarkIdentity("whitebox", "attack", "orhan2019")))  # fmt: skip
    assert released_of(half) == 25_000, "the paper attacked every other image"
    outside = replace(half, run=replace(half.run, benchmark=BenchmarkIdentity("ood", "ood"),
                      data=DataIdentity("ninco", "f", 100)))  # fmt: skip
    assert released_of(outside) == 5_879


def test_a_run_of_levels_only_is_not_called_a_part_of_nothing() -> None:
    level = Score("error", 0.2, "fraction", 300, None, False, Condition(corruption="contrast", level="factor=0.5"))
    scored = result(0.8, 300)
    levels = replace(scored, scores=[*scored.scores, level], counts=Counts(50_000, 0, 0, 300))
    (line,) = [each for each in map(said, warnings_of(levels)) if "levels" in each]
    assert line.startswith("only levels were evaluated")
    assert not [each for each in map(said, warnings_of(levels)) if "evaluated 0 of" in each]


def test_a_perfect_score_is_first() -> None:
    best = replace(
        result(1.0, 50_000), scores=[Score("top1", 1.0, "fraction", 100, TwoEnds(1.0, 0.999, 1.0), True, Condition())]
    )
    assert any("place 1 of 1,266 models" in note.text for note in notes_of(best))
