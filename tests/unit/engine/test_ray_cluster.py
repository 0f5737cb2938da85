"""A cluster that is not there, or too small; Ray itself is played."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from hardiness.core.errors import ModelError
from hardiness.engine.ray_cluster import Cluster, connect


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Any:
    played = SimpleNamespace(
        is_initialized=lambda: False,
        init=lambda **given: SimpleNamespace(dashboard_url="host:8265"),
        cluster_resources=lambda: {"CPU": 8.0, "memory": 1e9},
    )
    monkeypatch.setitem(sys.modules, "ray", played)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return played


def test_there_is_an_actor_a_slot_and_a_dashboard_where_ray_says_so(ray: Any) -> None:
    found = connect(Cluster(resources={"CPU": 3.0}))
    assert (found.slots, found.dashboard) == (2, "host:8265")
    assert connect(Cluster(actors=5)).slots == 5


@pytest.mark.parametrize(
    ("there", "on_gpus", "slots", "resources"),
    [
        ({"CPU": 8.0, "GPU": 2.0}, True, 2, {"CPU": 4.0, "GPU": 1.0}),
        ({"CPU": 3.0, "GPU": 2.0}, True, 2, {"CPU": 1.0, "GPU": 1.0}),
        ({"CPU": 8.0, "GPU": 2.0}, False, 8, {"CPU": 1.0}),
        ({"CPU": 8.0}, True, 8, {"CPU": 1.0}),
    ],
)
def test_gpus_of_the_cluster_are_used_without_being_asked_for(
    ray: Any, there: dict[str, float], on_gpus: bool, slots: int, resources: dict[str, float]
) -> None:
    ray.cluster_resources = lambda: there
    found = connect(Cluster(), on_gpus)
    assert (found.slots, found.resources) == (slots, resources)
    assert connect(Cluster(resources={"CPU": 2.0}), on_gpus).resources == {"CPU": 2.0}


def test_a_cluster_that_nobody_answers_for_is_one_line_at_once(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ray.init = lambda **given: pytest.fail("Ray would ask for minutes")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ModelError, match=r"there is no Ray cluster at 127\.0\.0\.1:1: .*; start one with"):
        connect(Cluster())
    with pytest.raises(ModelError, match="there is no Ray cluster at ray://127"):
        connect(Cluster("ray://127.0.0.1:1"))


def test_a_machine_without_what_an_actor_needs_is_told(ray: Any) -> None:
    with pytest.raises(
        ModelError, match=r"--ray-resources CPU=1, GPU=1 must fit this machine, and it has CPU=8, GPU=0"
    ):
        connect(Cluster(resources={"CPU": 1.0, "GPU": 1.0}))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModelError, match=r"pip install 'hardiness\[ray\]'"):
        connect(Cluster())
