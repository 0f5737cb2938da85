"""What ``hardiness run`` says after a run."""

from __future__ import annotations

import pytest

from hardiness.benchmarks.options import registry
from hardiness.cli.run import _next_steps
from hardiness.core.result import Counts, Result
from hardiness.core.run import BenchmarkIdentity, Run


@pytest.mark.parametrize(
    ("benchmark", "protocol", "policy", "says"),
    [
        (
            "imagenet-val",
            "orhan2019",
            None,
            "next: hardiness run -m MODEL --data FOLDER --out runs/own  your own pictures",
        ),
        ("own", "own", None, "next: hardiness gate runs/a --write-policy policy.toml"),
        ("own-c", "own", None, "next: hardiness gate runs/a --write-policy policy.toml"),
        ("own", "own", "my limits.toml", "next: hardiness gate runs/a --policy 'my limits.toml'"),
    ],
)
def test_ones_own_pictures_are_proposed_to_whom_has_not_run_any(
    benchmark: str, protocol: str, policy: str | None, says: str
) -> None:
    run = Run(benchmark=BenchmarkIdentity(benchmark, registry.get(benchmark).card, protocol))
    result = Result("m", benchmark, "photos", protocol, (), Counts(1, 1, 0, 1), run, {})
    assert _next_steps("runs/a", [result], policy)[0].startswith(says)
