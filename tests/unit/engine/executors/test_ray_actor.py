"""Which machines may take part in an errand, and how a unit that was given up is stored; no Ray is needed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hardiness.core import SampleError
from hardiness.engine.executors import ray_actor
from hardiness.engine.executors.ray_actor import unfitness
from hardiness.engine.measuring import package_version
from hardiness.engine.units import failed


def errand(version: str = "", gone: bool = False) -> Any:
    def read() -> bytes:
        if gone:
            raise SampleError("x.JPEG cannot be read")
        return b""

    data = SimpleNamespace(items=[SimpleNamespace(file=SimpleNamespace(read=read))], location="/data/imagenet")
    return SimpleNamespace(version=version, evaluations=[SimpleNamespace(data=data)])


def test_the_same_version_and_data_that_are_there_fit() -> None:
    assert unfitness(errand()) == ""
    assert unfitness(errand(package_version())) == ""


def test_another_version_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_actor.platform, "node", lambda: "node-7")
    told = unfitness(errand("9.9"))
    assert told.startswith(f"node-7 runs hardiness {package_version()}, and the driver 9.9")


def test_a_machine_that_does_not_see_the_data_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_actor.platform, "node", lambda: "node-7")
    assert unfitness(errand(gone=True)).startswith("node-7 does not see the data at /data/imagenet")


def test_every_row_of_a_unit_that_was_given_up_has_failed() -> None:
    part: Any = SimpleNamespace(work=[("b", 1), ("a", 0), ("a", 2)])
    found = failed(part, "it died")
    assert len(found) == 0
    assert [(f.sample, f.reason, f.conditions) for f in found.failures] == [
        ("a", "a: it died", (0, 2)),
        ("b", "b: it died", (1,)),
    ]
