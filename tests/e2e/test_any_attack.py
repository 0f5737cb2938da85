"""Attacks by name, threat models, ensembles of surrogates and versions of AutoAttack, through the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardiness.attacks import autoattack

NETWORKS = Path(__file__).resolve().parents[1] / "masked" / "networks.py"
VICTIM = f"py:{NETWORKS}:adversarial:mean=0,std=1"
BOTH = "surrogate=py:surrogates.py:plain+py:surrogates.py:adversarial"
SURROGATES = f"""
import importlib.util
import torch
import torchvision

from hardiness import View

spec = importlib.util.spec_from_file_location("networks", {str(NETWORKS)!r})
networks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(networks)
back_to_pixels = torchvision.transforms.Normalize([-2.118, -2.036, -1.804], [4.367, 4.464, 4.444])

def plain():
    return torch.nn.Sequential(back_to_pixels, networks.crops("plain")), View()

def adversarial():
    return torch.nn.Sequential(back_to_pixels, networks.crops("adversarial")), View()
"""
"""The same networks under the usual view: a surrogate's options would be taken for the benchmark's."""

ASKED = {
    "whitebox:attack=hopskipjump,norm=l2,epsilons=120,steps=5+40": ("hopskipjump", "l2"),
    "whitebox:attack=sparse-rs,norm=l0,epsilons=40000,steps=5+40": ("sparse-rs", "l0"),
    "whitebox:attack=spatial,norm=spatial,epsilons=1,steps=3+20": ("spatial", "spatial"),
    "whitebox:attack=patch-pgd,norm=patch,epsilons=0.3,steps=3": ("patch-pgd", "patch"),
    "whitebox:attack=apgd-l1,norm=l1,epsilons=9000,steps=10": ("apgd-l1", "l1"),
    "whitebox:attack=fab,norm=l2,epsilons=60,steps=10": ("fab", "l2"),
    "whitebox:attack=pgd,samples=2,epsilons=64/255,steps=10": ("pgd", "linf"),
    "whitebox:attack=apgd,samples=2,epsilons=64/255,steps=10": ("apgd", "linf"),
    "whitebox:targeted=true,epsilons=64/255,steps=10": ("pgd", "linf"),
    f"blackbox:attack=mi-fgsm,{BOTH},epsilons=64/255": ("mi-fgsm", "linf"),
    f"blackbox:attack=di-fgsm,{BOTH},epsilons=64/255": ("di-fgsm", "linf"),
    f"blackbox:attack=ti-fgsm,norm=l2,{BOTH},epsilons=60": ("ti-fgsm", "l2"),
}
"""What is asked for, at budgets at which some images fall, and the attack and threat model that are stored with it."""


@pytest.mark.slow
@pytest.mark.parametrize("asked", ASKED)
def test_an_attack_is_run_by_its_name_and_takes_some_images(
    run_on_crops: Callable[..., Any],
    results: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
) -> None:
    more = ",must_break=false,cross_checks=false" if asked.startswith("whitebox") else ""
    (tmp_path / "surrogates.py").write_text(SURROGATES)
    monkeypatch.chdir(tmp_path)
    victim = VICTIM.replace("adversarial", "plain") if asked.startswith("blackbox") else VICTIM
    told = run_on_crops((victim,), f"{asked.replace(':', ':protocol=standard,', 1)}{more}")
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "out")
    stored = result["run"]["attack"][0]
    assert (stored["attack"], stored["norm"]) == ASKED[asked]
    assert stored["targeted"] == ("targeted=true" in asked)
    (clean,) = [s["value"] for s in result["scores"] if s["metric"] == "clean_accuracy"]
    attacked = [s["value"] for s in result["scores"] if s["metric"] == "accuracy"]
    assert attacked == sorted(attacked, reverse=True), "more steps, or queries, take no fewer"
    assert attacked[-1] < clean


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "stages"),
    [
        ("rand", ["apgd-ce", "+ apgd-dlr"]),
        ("plus", ["apgd-ce", "+ apgd-dlr", "+ fab", "+ square", "+ apgd-t", "+ fab-t"]),
    ],
)
def test_versions_of_autoattack_run_their_members(
    run_on_crops: Callable[..., Any], results: Callable[..., Any], tmp_path: Path, version: str, stages: list[str]
) -> None:
    told = run_on_crops(
        (VICTIM,), f"autoattack:version={version},queries=5,epsilons=64/255,must_break=false,cross_checks=false"
    )
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "out")
    groups = [s["condition"].get("group") for s in result["scores"] if s["metric"] == "accuracy"]
    assert sorted(filter(None, groups)) == sorted(stages[:-1])
    assert result["run"]["attack"][0]["options"]["variant"] == version


@pytest.mark.slow
def test_members_that_a_stopped_run_kept_are_counted_and_named(
    run_on_crops: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that went on said for hours that nothing of all was done."""
    asked = "autoattack:queries=5,epsilons=16/255,must_break=false,cross_checks=false"

    def stops(*arguments: object) -> None:
        raise RuntimeError("the machine went off")

    monkeypatch.setattr(autoattack.TargetedAPGD, "run", stops)
    first, again = (run_on_crops((VICTIM,), asked) for _ in range(2))
    assert (first.status, "goes on where" in first.err, again.status) == (1, False, 1)
    (line,) = [line for line in again.lines if "goes on where it was stopped" in line]
    said = re.fullmatch(
        r"the attack on (\d) pictures goes on where it was stopped: member 1 is kept of 4, (\d) image-conditions that "
        r"count when all have ended; member 2 is at work",
        line,
    )
    assert said is not None, line
    assert said[1] == said[2] > "0"
