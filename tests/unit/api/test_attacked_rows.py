"""The rows of an attack on a network of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hardiness
from hardiness.benchmarks.attacks import TARGETED
from hardiness.data.root import locate
from hardiness.store.store import Store


@pytest.mark.slow
def test_where_any_picture_must_become_any_other_the_other_is_a_label_of_the_data(
    network: Any, view: Any, root: Path, tmp_path: Path
) -> None:
    labels = {item.label for item in locate([str(root)]).dataset("imagenet").items}
    asked = "whitebox:protocol=standard,epsilons=1/255,steps=1,cross_checks=false"
    settings: dict[str, Any] = {"view": view, "device": "cpu", "progress": False, "out": tmp_path}
    hardiness.evaluate(network(0), asked, str(root), limit=3, **settings)
    (stored,) = Store.open(tmp_path).runs()
    records = stored.records()
    rows = records["condition"] == list(stored.run.conditions).index(TARGETED)
    assert rows.sum() == 3
    assert {*records["target"][rows].tolist()} <= labels, "of 1,000 classes"
    assert (records["target"][rows] != records["label"][rows]).all()
