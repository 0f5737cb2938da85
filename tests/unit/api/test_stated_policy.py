"""``run --policy``: the digest of the goals lies with the rows, and changes nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import hardiness
from hardiness.core.errors import ArgumentError

RULES = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.1\n'


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy, as an editor of Windows writes it."""
    file = tmp_path / "goals.toml"
    file.write_bytes(b"\xef\xbb\xbf" + RULES.replace("\n", "\r\n").encode())
    return file


@pytest.fixture
def evaluated(network: Any, view: Any, root: Path, tmp_path: Path) -> Any:
    """An evaluation of the small network, with further options."""

    def run(**options: Any) -> Any:
        where = {"view": view, "out": tmp_path / "out", "runtime": "torch", "name": "mine", "progress": False}
        return hardiness.evaluate(network(), "imagenet-val", str(root), **{**where, **options})

    return run


def test_the_digest_of_the_file_lies_with_the_session_and_is_that_of_the_gate(
    evaluated: Any, policy: Path, tmp_path: Path
) -> None:
    result = evaluated(policy=policy)
    digest = hashlib.sha256(policy.read_bytes()).hexdigest()
    (session,) = result.measured["sessions"]
    assert session["policy"] == {"name": "goals.toml", "sha256": digest}
    assert hardiness.gate(tmp_path / "out", policy).policy_sha256 == digest
    policy.write_bytes(policy.read_bytes() + b"# a comment\n")
    assert hardiness.gate(tmp_path / "out", policy).policy_sha256 not in ("", digest)


def test_a_run_that_computes_nothing_more_proves_nothing_more(evaluated: Any, policy: Path) -> None:
    """Rows that were there before the policy was named do not get its digest; the key does not move."""
    before = evaluated(limit=3)
    assert "policy" not in before.measured["sessions"][0]
    again = evaluated(limit=3, policy=policy)
    assert (again.key, again.measured["sessions"]) == (before.key, before.measured["sessions"])
    more = evaluated(policy=policy)
    assert [bool(session.get("policy")) for session in more.measured["sessions"]] == [False, True]


def test_the_policy_that_ends_a_run_was_named_before_it_too(evaluated: Any) -> None:
    result = evaluated(until_decided=RULES)
    digest = hashlib.sha256(RULES.encode()).hexdigest()
    assert [session["policy"] for session in result.measured["sessions"]] == [{"name": "policy", "sha256": digest}]


def test_a_policy_that_is_wrong_is_refused_before_anything_is_evaluated(
    evaluated: Any, policy: Path, tmp_path: Path
) -> None:
    policy.write_text(RULES.replace("metric", "metrc"))
    with pytest.raises(ArgumentError, match="'metrc'; did you mean 'metric'"):
        evaluated(policy=policy)
    with pytest.raises(ArgumentError, match=r"policy .*gone\.toml: cannot be read"):
        evaluated(policy=tmp_path / "gone.toml")
    assert not (tmp_path / "out").exists()
