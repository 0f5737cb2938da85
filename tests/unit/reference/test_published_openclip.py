"""The published zero-shot numbers: names that open_clip knows, and words under which they hold."""

from __future__ import annotations

import pytest

from hardiness.core.run import ModelIdentity
from hardiness.reference.published_numbers import ZERO_SHOT, published, published_for, published_series, zero_shot_table

NAME = "openclip:ViT-B-32/laion2b_s34b_b79k"


def test_there_are_121_checkpoints_on_five_benchmarks() -> None:
    models = {row.model for row in zero_shot_table()}
    assert len(models) == 121
    assert len(zero_shot_table()) == 121 * len(ZERO_SHOT)
    assert all(0 < row.value < 1 for row in zero_shot_table())


def test_each_is_a_model_that_can_be_named() -> None:
    open_clip = pytest.importorskip("open_clip")
    known = {f"openclip:{architecture}/{tag}" for architecture, tag in open_clip.list_pretrained()}
    assert {row.model for row in zero_shot_table()} <= known


def test_they_stand_beside_runs_under_the_same_words_alone() -> None:
    (row,) = published(NAME, "imagenet-val", "top1", {})
    assert (row.value, row.n) == (0.6656, 50_000)
    assert published_for(ModelIdentity(NAME, options={"protocol": "openai80"}), "imagenet-val", "top1", {}) == (row,)
    assert published_for(ModelIdentity(NAME, options={"protocol": "simple7"}), "imagenet-val", "top1", {}) == ()
    assert NAME not in published_series("imagenet-val", "top1"), "121 strokes would hide the models of the paper"
