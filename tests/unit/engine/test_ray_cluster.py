"""A cluster that is not there, or too small; Ray itself is played."""

from __future__ import annotations

import signal
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


def test_a_task_has_what_was_asked_for_and_a_dashboard_where_ray_says_so(ray: Any) -> None:
    found = connect(Cluster(resources={"CPU": 3.0}))
    assert (found.needs, found.dashboard) == ("CPU=3", "host:8265")


@pytest.mark.parametrize(
    ("there", "on_gpus", "resources"),
    [
        ({"CPU": 8.0, "GPU": 2.0}, True, {"CPU": 4.0, "GPU": 1.0}),
        ({"CPU": 3.0, "GPU": 2.0}, True, {"CPU": 1.0, "GPU": 1.0}),
        ({"CPU": 8.0, "GPU": 2.0}, False, {"CPU": 1.0}),
        ({"CPU": 8.0}, True, {"CPU": 1.0}),
    ],
)
def test_gpus_of_the_cluster_are_used_without_being_asked_for(
    ray: Any, there: dict[str, float], on_gpus: bool, resources: dict[str, float]
) -> None:
    ray.cluster_resources = lambda: there
    assert connect(Cluster(), on_gpus).resources == resources
    assert connect(Cluster(resources={"CPU": 2.0}), on_gpus).resources == {"CPU": 2.0}


def test_a_cluster_that_nobody_answers_for_is_one_line_at_once(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ray.init = lambda **given: pytest.fail("Ray would ask for minutes")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ModelError, match=r"there is no Ray cluster at 127\.0\.0\.1:1: .*; start one with"):
        connect(Cluster())
    with pytest.raises(ModelError, match="there is no Ray cluster at ray://127"):
        connect(Cluster("ray://127.0.0.1:1"))


def test_a_machine_without_what_a_task_needs_is_told(ray: Any) -> None:
    with pytest.raises(
        ModelError, match=r"--ray-resources CPU=1, GPU=1 must fit this machine, and it has CPU=8, GPU=0"
    ):
        connect(Cluster(resources={"CPU": 1.0, "GPU": 1.0}))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModelError, match=r"pip install 'hardiness\[ray\]'"):
        connect(Cluster())


def test_ray_leaves_the_handler_of_sigterm_as_it_is(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def init(**given: Any) -> Any:
        signal.signal(signal.SIGTERM, lambda *_: None)  # as Ray does, which then ends the process by itself
        return SimpleNamespace(dashboard_url="")

    ray.init = init
    try:
        connect(Cluster())
        assert signal.getsignal(signal.SIGTERM) is before
    finally:
        signal.signal(signal.SIGTERM, before)
