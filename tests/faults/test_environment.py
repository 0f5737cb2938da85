"""Variables of the environment and addresses that nothing can come of: one line each."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

RUN = ("run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--data", "embedded", "--out")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("NUMBA_DISABLE_JIT", "1", "NUMBA_DISABLE_JIT must not be set: corruptions are compiled; unset it"),
        ("NUMBA_NUM_THREADS", "0", "NUMBA_NUM_THREADS must be a number of threads, 1 or more, was '0'; unset it"),
        ("NUMBA_NUM_THREADS", "two", "1 or more, was 'two'; unset it"),
    ],
)
def test_what_keeps_kernels_from_being_compiled_is_said_before_a_picture_fails(
    name: str, value: str, says: str, hardiness: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv(name, value)
    outcome = hardiness(*RUN, tmp_path / "out")
    assert (outcome.status, says in outcome.err) == (2, True), outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["s3://", "s3:///", "gs://"])
@pytest.mark.parametrize("command", [RUN, ("show",)])
def test_an_address_without_a_bucket_says_its_form(address: str, command: tuple[str, ...], hardiness: Any) -> None:
    outcome = hardiness(*command, address)
    assert outcome.status == 2
    assert "must name a bucket and a folder in it, as in" in outcome.err


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "Ray cannot start on this machine: The current node timed out during startup. This could happen; give"),
        ("ray://nowhere", "there is no Ray cluster at ray://nowhere: The current node timed out during startup."),
    ],
)
def test_a_start_of_ray_that_times_out_says_what_to_do(
    address: str, says: str, hardiness: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Ray raises an exception of no class of its own then (`ray/_private/node.py`), after 30 s of waiting."""

    def times_out(**settings: Any) -> None:
        raise Exception("The current node timed out during startup. This could happen")  # as Ray does

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False, init=times_out))
    monkeypatch.setenv("RAY_ADDRESS", address)
    outcome = hardiness(*RUN, tmp_path / "out", "--limit", "1", "--engine", "ray")
    assert (outcome.status, says in outcome.err.splitlines()[-1]) == (1, True), outcome.err
