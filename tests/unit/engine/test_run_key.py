"""What changes a model's rows changes the key of its run."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import DataSet
from hardiness.core.errors import ArgumentError
from hardiness.core.run import ModelIdentity, Plan, Run, Surrogate
from hardiness.engine.backward_pass import given_backward
from hardiness.engine.moved_runs import moved_from, refuse_to_share
from hardiness.engine.tasks import run_of
from hardiness.models.loading import load
from hardiness.store.store import Store

OWN = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, WIDTH)

    def forward(self, x):
        return self.head(x.mean((2, 3))) * 1

def net():
    torch.manual_seed(0)
    return Net()
"""
DATA = DataSet("imagenet", (), 1000, "0", "nowhere")


def _key(file: Path, options: str = "", benchmark: str = "imagenet-val", surrogate: bool = False) -> str:
    classifier = load(f"py:{file}:net:mean=0.485/0.456/0.406,std=0.229/0.224/0.225{options}", device="cpu")
    run: Run = run_of(classifier, parse(benchmark), DATA, 0, classifier if surrogate else None)
    assert Run.from_dict(json.loads(run.canonical())).key == run.key
    return run.key


@pytest.mark.parametrize("surrogate", [False, True])
def test_editing_forward_is_another_run(tmp_path: Path, surrogate: bool) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("WIDTH", "1000"))
    before = _key(file, surrogate=surrogate)
    assert _key(file, surrogate=surrogate) == before
    file.write_text(OWN.replace("WIDTH", "1000").replace("* 1", "* -1"))
    assert _key(file, surrogate=surrogate) != before
    assert _key(file, ",tag=mine") == _key(file, ",tag=mine")


def test_correcting_a_class_order_is_another_run(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("WIDTH", "1000"))
    keys = {_key(file, options) for options in ("", ",class_order=wnid", ",class_order=own")}
    assert len(keys) == 3
    file.write_text(OWN.replace("WIDTH", "1001"))
    assert _key(file) != _key(file, ",class_order=background+wnid")


@pytest.mark.parametrize(
    "versioned",
    ["attacks.pgd.PGD.version", "engine.tasks.JUDGING_OF_TIES", "engine.tasks.GRADIENTS_VERSION"],
)
def test_another_version_of_an_attack_its_judging_or_its_gradients_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versioned: str
) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("WIDTH", "1000"))
    before, plain = _key(file, benchmark="whitebox"), _key(file)
    monkeypatch.setattr(f"hardiness.{versioned}", 99)
    assert _key(file, benchmark="whitebox") != before
    assert _key(file) == plain, "a run without an attack is what it was"


HASH, OTHER, CODE = "0123456789abcdef" * 4, "fedcba9876543210" * 4, "08192a3b4c5d6e7f" * 4


def _run(code: str, weights: str = HASH, name: str = "net", **others: Any) -> Run:
    return replace(Run(ModelIdentity(name, weights_sha256=weights, code_sha256=code)), **others)


def _attacked(judging: int, checks: int, fgsm: int = 1, code: str = "", weights: str = HASH, seed: int = 0) -> Run:
    versions = {"rows": 2, "judging": judging, "cross_checks": {"draws": 10, "version": checks}}
    return _run(code, weights, versions={**versions, "attacks": {"fgsm": fgsm}}, seed=seed)


def _reads(version: int, prompt: str = "Which?") -> Run:
    return Run(ModelIdentity("chat", weights_sha256=HASH, options={"prompt": prompt, "reading_version": version}))


@pytest.mark.parametrize(
    ("former", "now", "moves"),
    [
        (_run(OTHER), _run(f"{CODE}.2"), True),
        (_run(OTHER, OTHER, f"f-{OTHER[:6]}"), _run(f"{HASH}.2", HASH, f"f-{HASH[:6]}"), True),  # a plain function
        (
            _run("", surrogate=Surrogate("s", HASH, code_sha256=OTHER)),
            _run("", surrogate=Surrogate("s", HASH, code_sha256=f"{HASH}.2")),
            True,
        ),
        (_run(f"{OTHER}.2"), _run(f"{CODE}.2"), False),  # an edit
        (_run(OTHER, seed=1), _run(f"{CODE}.2"), False),
        (_run(OTHER, OTHER), _run(f"{CODE}.2"), False),  # other weights
        (_run(OTHER), _run(f"{CODE}.anew"), False),  # it says itself that it begins anew
        (_run(OTHER), _run(CODE), False),  # another tag
        (_run(""), _run(""), False),  # it goes on
        (_attacked(5, 2), _attacked(6, 3), True),
        (_attacked(6, 3), _attacked(6, 3, fgsm=2), True),
        (_attacked(5, 2), _attacked(6, 3, seed=1), False),
        (_attacked(5, 2), _attacked(6, 3, weights=OTHER), False),
        (_attacked(5, 2, code=OTHER), _attacked(6, 3, code=f"{CODE}.2"), True),  # for two reasons
        (_reads(1), _reads(2), True),
        (_reads(1), _reads(2, prompt="another"), False),
    ],
)
def test_the_move_of_a_run_is_told_once(former: Run, now: Run, moves: bool, tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    place = store.run(former, Plan(batch_size=1)).place
    lines = moved_from(now, store.runs())
    assert [place in line for line in lines] == [True] * moves
    store.run(now, Plan(batch_size=1))
    assert moved_from(now, store.runs()) == ()


def test_the_line_about_a_move_names_the_versions(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    for former, now, words in (
        (_attacked(5, 2), _attacked(6, 3), "hardiness (cross checks 2, now 3, judging 5, now 6); the former rows stay"),
        (_attacked(7, 3), _attacked(7, 3, fgsm=2), "hardiness (attack fgsm 1, now 2); the"),
        (_reads(1), _reads(2), "hardiness (reading of replies 1, now 2); the"),
    ):
        store.run(former, Plan(batch_size=1))
        (line,) = moved_from(now, [each for each in store.runs() if each.key == former.key])
        assert words in line


@pytest.mark.parametrize(
    ("run", "advice"),
    [
        (_run(f"{HASH}.anew"), "add a tag=NAME"),
        (_run("", surrogate=Surrogate("a+b", HASH, code_sha256=f"{OTHER}.2+{HASH}.anew")), "add a tag=NAME"),
        (_run("", versions={"files": [f"{HASH}.anew"]}), "evaluate it in one process"),
    ],
)
def test_what_no_other_process_finds_is_not_shared(run: Run, advice: str) -> None:
    with pytest.raises(ArgumentError, match=advice):
        refuse_to_share(run)
    refuse_to_share(_run(f"{HASH}.2", surrogate=Surrogate("s", HASH, code_sha256=HASH)))


def test_what_lies_beside_a_backward_pass_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "own.py").write_text(
        "import slope_near_it\ndef through(x, slope):\n    return slope_near_it.f(slope)\n"
    )
    digits = []
    for factor in ("1", "1  # the same", "-1"):
        sys.modules.pop("slope_near_it", None)  # a new process would import it anew
        (tmp_path / "slope_near_it.py").write_text(f"def f(slope):\n    return slope * {factor}\n")
        given = given_backward(f"jpeg={tmp_path / 'own.py'}:through")
        assert given is not None
        digits.append(given[1].digits)
    sys.modules.pop("slope_near_it", None)
    assert digits[0] == digits[1] != digits[2]
    assert given_backward("jpeg") is given_backward("") is None
