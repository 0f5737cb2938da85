"""Interval ends, n and headlines are those of the file, which says when it was written."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_no_interval_n_or_headline_moved(stimuli: Path) -> None:
    spec = importlib.util.spec_from_file_location("score_ends", Path(__file__).with_name("score_ends.py"))
    assert spec is not None
    assert spec.loader is not None
    score_ends = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score_ends)
    then = json.loads(score_ends.GOLDEN.read_text("utf-8"))
    assert score_ends.moved(then, score_ends.computed(str(stimuli.parent))) == []
