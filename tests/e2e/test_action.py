"""``action.yml``: its steps, run in a stand-in of the environment that GitHub gives them."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import hardiness
from hardiness.core import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Records, Run
from hardiness.store import Store

ROOT = Path(hardiness.__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def stored(out: Path, right: int, n: int = 200) -> None:
    """A run of the validation set that answers so many of n photographs rightly."""
    label = (np.arange(n) % 4).astype(np.int32)
    prediction = np.where(np.arange(n) < right, label, 9).astype(np.int32)
    samples = [f"n/{k:04d}" for k in range(n)]
    rows = {
        "sample": np.array(samples),
        "condition": np.zeros(n, np.int16),
        "frame": np.zeros(n, np.int16),
        "label": label,
        "prediction": prediction,
        "top5_class": np.stack([prediction] * 5, axis=1).astype(np.int16),
        "confidence": np.linspace(0.2, 0.9, n).astype(np.float32),
    }
    run = Run(ModelIdentity("m", "m"), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("d", "f", n))
    Store.create(out).run(run, Plan(whole=(0,))).write(0, [(sample, 0) for sample in samples], Records(rows))


class Job:
    """The steps of the action in a folder of their own; actions of others are left out."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.folder = folder
        defaults = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
        self.values = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()}
        self.values |= {"github.token": "", "github.run_id": "1", "github.run_attempt": "1"}
        self.ran: dict[str, subprocess.CompletedProcess[str]] = {}
        bin_ = folder / "bin"
        bin_.mkdir()
        programs = {
            "hardiness": f'exec "{sys.executable}" -m hardiness "$@"',
            "python": 'printf "%s\\n" "$@" > installed.txt',
        }
        for name, line in programs.items():
            (bin_ / name).write_text(f"#!/bin/sh\n{line}\n")
            (bin_ / name).chmod(stat.S_IRWXU)

    def filled(self, text: str) -> str:
        """The text with the values of its expressions; names that nothing has are empty."""

        def value(found: re.Match[str]) -> str:
            return next((self.values[each] for each in re.split(r"\s*\|\|\s*", found[1]) if self.values.get(each)), "")

        return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", value, text)

    def wanted(self, condition: str) -> bool:
        name, wanted = re.fullmatch(r"([\w.-]+) != '(.*)'", condition).groups()  # type: ignore[union-attr]
        return self.values.get(name, "") != wanted

    def run(self) -> int:
        """The exit status of the first step that fails; 0 where none does."""
        for step in ACTION["runs"]["steps"]:
            if "run" not in step or not self.wanted(step.get("if", "inputs.policy != ''")):
                continue
            outputs = self.folder / "outputs.txt"
            outputs.write_text("")
            environment = {
                **os.environ,
                **{name: self.filled(text) for name, text in step.get("env", {}).items()},
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
            )
            self.ran[step["name"]] = done
            if done.returncode:
                return done.returncode
            for line in outputs.read_text().splitlines():
                name, _, value = line.partition("=")
                self.values[f"steps.{step['id']}.outputs.{name}"] = value
        return 0


POLICY = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.7\n'


@pytest.mark.slow
@pytest.mark.parametrize(("right", "status", "verdict"), [(190, 0, "pass"), (60, 3, "fail"), (142, 4, "cannot tell")])
def test_the_job_ends_as_the_gate_does(right: int, status: int, verdict: str, tmp_path: Path) -> None:
    stored(tmp_path / "runs" / "new", right)
    (tmp_path / "policy.toml").write_text(POLICY)
    job = Job(tmp_path, policy="policy.toml", out="runs/new", install="hardiness[onnx] other")
    assert job.run() == status
    assert (tmp_path / "installed.txt").read_text().split() == ["-m", "pip", "install", "hardiness[onnx]", "other"]
    assert job.values["steps.gate.outputs.verdict"] == verdict
    assert verdict in (tmp_path / "summary.md").read_text("utf-8")
    assert ("::error" in job.ran["Judge"].stdout) == (status != 0)
    for name in ("steps.gate.outputs.comment", "steps.gate.outputs.junit", "steps.report.outputs.report"):
        assert (tmp_path / job.values[name]).stat().st_size > 100
    assert "Evaluate" not in job.ran


@pytest.mark.slow
def test_a_wrong_policy_ends_the_job_and_writes_no_page(tmp_path: Path) -> None:
    stored(tmp_path / "runs" / "new", 100)
    (tmp_path / "policy.toml").write_text(POLICY.replace("at_least", "at_leats"))
    job = Job(tmp_path, policy="policy.toml", out="runs/new", install="")
    assert job.run() == 2
    assert "did you mean 'at_least'" in job.ran["Judge"].stderr
    assert not (tmp_path / "runs" / "new" / "report.html").exists()
    assert not (tmp_path / "summary.md").exists()


def test_arguments_reach_run_as_they_were_written(tmp_path: Path) -> None:
    """Nothing that an input says is run by the shell, and each line is one argument."""
    job = Job(
        tmp_path, policy="p", model="a b\n$(touch hacked)", benchmark="imagenet-c", data="x; ls", arguments="--limit=5"
    )
    (tmp_path / "bin" / "hardiness").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > told.txt\nexit 7\n')
    assert job.run() == 7
    assert (tmp_path / "told.txt").read_text().splitlines() == [
        "run", "--model=a b", "--model=$(touch hacked)", "--benchmark=imagenet-c", "--data=x; ls", "--limit=5", "--out",
        "runs/hardiness",
    ]  # fmt: skip
    assert not (tmp_path / "hacked").exists()


def test_every_expression_names_what_there_is_and_the_page_uses_the_inputs() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    ids = {step["id"] for step in ACTION["runs"]["steps"] if "id" in step}
    for name in re.findall(r"inputs\.([\w-]+)", text):
        assert name in ACTION["inputs"]
    for name in re.findall(r"steps\.([\w-]+)\.", text):
        assert name in ids
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), "an input must not become a part of a script"
        assert "uses" in step or step["shell"] == "bash"
    workflow, *_ = yaml_blocks("docs/gate.md")
    (used,) = (step for step in workflow["jobs"]["gate"]["steps"] if "hardiness@" in step.get("uses", ""))
    ((shown,),) = yaml_blocks("README.md")
    assert shown["uses"] == used["uses"]
    for step in (used, shown):
        assert set(step["with"]) <= set(ACTION["inputs"])
        assert {name for name, each in ACTION["inputs"].items() if each.get("required")} <= set(step["with"])


def yaml_blocks(page: str) -> list[Any]:
    return [
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    ]
