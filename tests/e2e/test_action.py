"""``action.yml``: its steps as bash with a runner's variables, after its own ``pip install`` of a checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import exported
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import hardiness
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.reference.classes import wnids
from hardiness.store.store import Store

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


GH = """
import json, os, sys
answers = json.load(open(os.environ["ANSWERS"]))
with open(os.environ["ANSWERS"] + ".asked", "a") as asked:
    print(*sys.argv[1:], file=asked)
words = [word for word in sys.argv[1:] if not word.startswith("-")]
if words[0] == "api" and "artifacts" in sys.argv[4]:
    name = next(word.removeprefix("name=") for word in words if word.startswith("name="))
    print(json.dumps({"artifacts": [each for each in answers["artifacts"] if each["name"] == name]}))
elif words[0] == "api":
    print(answers[words[1]][words[2].removeprefix(".")])
elif words[:2] == ["pr", "comment"]:
    open(f"comment-{words[2]}", "w").write(open(words[3]).read())
"""
"""Answers as GitHub's command line does: artifacts of a name, and one field of a repository or a run."""


@dataclass
class Runner:
    """What stands on a runner before a job: Python on its path, and what GitHub keeps between jobs.

    Attributes:
        bin: the folder of programs.
        checkout: that of the action.
        keep: the folder of what is kept between jobs.
        caches: what jobs have saved, the oldest first.
        artifacts: by the run that has them and by name.
    """

    bin: Path
    checkout: Path
    keep: Path
    caches: dict[str, Path] = field(default_factory=dict)
    artifacts: dict[tuple[str, str], Path] = field(default_factory=dict)


class Job:
    """The steps of the action in a workspace; caches and artifacts of others' actions are folders."""

    def __init__(self, folder: Path, runner: Runner, programs: Mapping[str, str] | None = None, **inputs: str) -> None:
        self.folder, self.runner = folder, runner
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) <= set(ACTION["inputs"])
        defaults = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
        self.values = {f"inputs.{name}": value for name, value in {**defaults, **given}.items()}
        run = str(10 + len(runner.caches))
        self.values |= {"github.token": "", "github.job": "gate", "github.run_id": run, "github.run_attempt": "1"}
        self.ran: dict[str, subprocess.CompletedProcess[str]] = {}
        self.status = 0
        self.programs = folder / "programs"
        self.programs.mkdir(parents=True, exist_ok=True)
        for name, line in {"gh": f'exec "{sys.executable}" -c \'{GH}\' "$@"', **(programs or {})}.items():
            (self.programs / name).write_text(f"#!/bin/sh\n{line}\n")
            (self.programs / name).chmod(stat.S_IRWXU)

    def value(self, expression: str) -> str:
        """The value of an expression in the part of GitHub's language that is used here; names that nothing has are
        empty."""
        value = ""
        for alternative in expression.split(" || "):
            for term in alternative.split(" && "):
                compared = re.fullmatch(r"([\w.-]+) (==|!=) '(.*)'", term)
                if compared:
                    is_equal = self.values.get(compared[1], "") == compared[3]
                    value = "true" if is_equal == (compared[2] == "==") else ""
                elif term in ("always()", "success()"):
                    value = "true" if term == "always()" or not self.status else ""
                else:
                    value = term[1:-1] if term.startswith("'") else self.values.get(term, "")
                if not value:
                    break
            if value:
                return value
        return value

    def filled(self, text: str) -> str:
        """The text with the values of its expressions."""
        return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: self.value(found[1]), text)

    def is_wanted(self, step: Mapping[str, Any]) -> bool:
        """Whether a step runs, after a failure or not."""
        condition = step.get("if", "success()")
        return bool(self.value(condition if "always()" in condition else f"success() && {condition}"))

    def run(self, leave_out: str = "Install") -> int:
        """The exit status of the first step that fails; 0 where none does."""
        for step in ACTION["runs"]["steps"]:
            if step["name"] != leave_out and self.is_wanted(step):
                status = self.run_step(step) if "run" in step else self.use(step["uses"], step["with"])
                self.status = self.status or status
        return self.status

    def run_step(self, step: Mapping[str, Any]) -> int:
        """The exit status of a step, which bash runs as GitHub starts it."""
        outputs = self.folder / "outputs.txt"
        outputs.write_text("")
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            **{name: self.filled(str(text)) for name, text in step.get("env", {}).items()},
            "PATH": f"{self.programs}:{self.runner.bin}:{os.environ['PATH']}",
            "GITHUB_ACTION_PATH": str(self.runner.checkout),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_REPOSITORY": "me/mine",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "ANSWERS": str(self.folder / "answers.json"),
        }
        (self.folder / "step.sh").write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        self.ran[step.get("name", "of the page")] = done
        for line in outputs.read_text().splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step['id']}.outputs.{name}"] = value
        return done.returncode

    def use(self, action: str, inputs: Mapping[str, str]) -> int:
        """The exit status of an action of GitHub's own."""
        given = {name: self.filled(text) for name, text in inputs.items()}
        place = self.folder / given["path"]
        if action == "actions/cache/restore@v4":
            keys = [key for key in self.runner.caches if key.startswith(given["restore-keys"])]
            if keys:
                shutil.copytree(self.runner.caches[keys[-1]], place, dirs_exist_ok=True)
        elif action == "actions/cache/save@v4":
            if place.exists():
                kept = self.runner.keep / str(len(self.runner.caches))
                assert given["key"] not in self.runner.caches
                self.runner.caches[given["key"]] = Path(shutil.copytree(place, kept))
        else:
            assert action == "actions/download-artifact@v4"
            artifact = self.runner.artifacts.get((given["run-id"], given["name"]))
            if artifact is None:
                return 1
            shutil.copytree(artifact, place)
        return 0

    def output(self, name: str) -> str:
        """An output of the action."""
        return self.filled(ACTION["outputs"][name]["value"])


def tiny_wheel(folder: Path, name: str) -> str:
    """The path of a wheel of nothing, from its folder."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "")
        for part, text in (
            ("METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"),
            ("WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            ("RECORD", ""),
        ):
            archive.writestr(f"{name}-1.0.dist-info/{part}", text)
    return f"./{file.name}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runner, Job]:
    """A runner on which the action's step has installed a checkout, and that job.

    Its Python has the packages of this one, as a runner of one's own may; what lacks comes from pip's own index.
    """
    folder = tmp_path_factory.mktemp("runner")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "packages_of_the_runner.pth").write_text(f"{Path(np.__file__).parents[1]}\n")
    checkout = folder / "_actions" / "hardiness"
    shutil.copytree(ROOT / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "action.yml"):
        shutil.copy(ROOT / name, checkout)
    runner = Runner(folder / "venv" / "bin", checkout, folder)
    workspace = folder / "workspace"
    workspace.mkdir()
    lines = "\n".join(tiny_wheel(workspace, name) for name in ("first_of_two", "second_of_two"))
    job = Job(workspace, runner, policy="p", model="m", install=lines, torch_index="")
    job.run_step(next(step for step in ACTION["runs"]["steps"] if step["name"] == "Install"))
    return runner, job


@pytest.fixture
def runner(installed: tuple[Runner, Job], tmp_path: Path) -> Runner:
    """A runner on which the action is installed, with nothing kept of other jobs."""
    return Runner(installed[0].bin, installed[0].checkout, tmp_path / "caches")


def test_the_checkout_is_installed_with_what_onnx_needs_and_every_line(installed: tuple[Runner, Job]) -> None:
    runner, job = installed
    done = job.ran["Install"]
    assert done.returncode == 0, done.stderr
    code = """
import importlib.metadata, json, first_of_two, second_of_two, hardiness
print(importlib.metadata.distribution("hardiness").read_text("direct_url.json"))
print(hardiness.__file__)
"""
    python = [runner.bin / "python", "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    said = subprocess.run(python, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert json.loads(said[0])["url"] == runner.checkout.as_uri()
    assert Path(said[1]).is_relative_to(runner.bin.parent)
    assert not list(job.folder.glob("hardiness-requirements*"))
    # The packages of this environment are there either way: pip's own lines say what was asked for.
    lines = [line for line in done.stdout.splitlines() if "onnxruntime" in line]
    assert any("satisfied: onnxruntime" in line or "Collecting onnxruntime" in line for line in lines), done.stdout


@pytest.mark.parametrize(
    ("inputs", "torch", "extras"),
    [
        ({"model": "m"}, ["torch torchvision --index-url=https://download.pytorch.org/whl/cpu"], "[torch,onnx]"),
        ({"model": "m", "torch_index": "", "extras": "hf"}, ["torch torchvision"], "[torch,hf]"),
        ({}, [], ""),
        ({"extras": "objects"}, [], "[objects]"),
    ],
)
def test_what_the_inputs_need_is_installed_and_nothing_of_ours_comes_from_an_index(
    inputs: dict[str, str], torch: list[str], extras: str, runner: Runner, tmp_path: Path
) -> None:
    """A gate alone is light; torch comes from the index that is given."""
    step = next(step for step in ACTION["runs"]["steps"] if step["name"] == "Install")
    tell = {name: f'printf "%s " {name} "$@" >> told.txt; echo >> told.txt' for name in ("python", "hardiness")}
    job = Job(tmp_path, runner, tell, policy="p", **inputs)
    assert job.run_step(step) == 0
    lines = (tmp_path / "told.txt").read_text().splitlines()
    (own,) = [line for line in lines if str(runner.checkout) in line]
    assert own.startswith(f"python -m pip install {runner.checkout}{extras} --requirement ./hardiness-requirements-")
    assert [line for line in lines if line != own] == [
        *(f"python -m pip install {packages} " for packages in torch),
        *(["hardiness data get frost "] if "model" in inputs else []),
    ]


POLICY = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.7\n'


@pytest.mark.slow
def test_the_job_ends_as_the_gate_does_and_keeps_what_it_has(runner: Runner, tmp_path: Path) -> None:
    stored(tmp_path / "runs" / "new", 142)
    (tmp_path / "policy.toml").write_text(POLICY)
    job = Job(tmp_path, runner, policy="policy.toml", out="runs/new")
    assert job.run() == 4
    assert job.output("verdict") == "cannot tell"
    assert "cannot tell" in (tmp_path / "summary.md").read_text("utf-8")
    assert "::error" in job.ran["Judge"].stdout
    for name in ("comment", "junit", "report"):
        assert (tmp_path / job.output(name)).stat().st_size > 100
    assert "Evaluate" not in job.ran
    (kept,) = runner.caches.values()
    assert (kept / "records").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "records", "verdict", "says"),
    [
        (POLICY.replace("at_least", "at_leats"), True, "wrong policy", "did you mean 'at_least'"),
        (POLICY, False, "no records", "holds no records/ folder"),
    ],
)
def test_what_cannot_be_judged_ends_the_job_and_names_no_file(
    policy: str, records: bool, verdict: str, says: str, runner: Runner, tmp_path: Path
) -> None:
    out = tmp_path / "runs" / "new"
    if records:
        stored(out, 100)
    out.mkdir(parents=True, exist_ok=True)
    (out / "gate.md").write_text("of an earlier job, out of the cache")
    (tmp_path / "policy.toml").write_text(policy)
    job = Job(tmp_path, runner, policy="policy.toml", out="runs/new")
    assert job.run() == 2
    assert says in job.ran["Judge"].stderr
    assert job.output("verdict") == verdict
    assert [job.output(name) for name in ("comment", "junit", "report")] == ["", "", ""]
    assert not (out / "report.html").exists()
    assert not (tmp_path / "summary.md").exists()


def test_arguments_reach_run_as_they_were_written(runner: Runner, tmp_path: Path) -> None:
    """Nothing that an input says is run by the shell, and each line is one argument."""
    job = Job(
        tmp_path,
        runner,
        {"hardiness": 'printf "%s\\n" "$@" > told.txt\nexit 7'},
        policy="p",
        model="a b\n$(touch hacked)",
        benchmark="imagenet-c",
        data="x; ls",
        arguments="--limit=5",
    )
    assert job.run() == 7
    assert (tmp_path / "told.txt").read_text().splitlines() == [
        "run", "--model=a b", "--model=$(touch hacked)", "--benchmark=imagenet-c", "--data=x; ls", "--limit=5", "--out",
        "runs/hardiness", "--json",
    ]  # fmt: skip
    assert not (tmp_path / "hacked").exists()
    assert "Judge" not in job.ran


def artifact(run: int, branch: str = "main", name: str = "base", repository: int = 1, expired: bool = False) -> Any:
    where = {"id": run, "head_branch": branch, "head_repository_id": repository, "repository_id": 1}
    return {"name": name, "expired": expired, "workflow_run": where}


@pytest.mark.parametrize(
    ("run_id", "usable", "taken"),
    [("", True, "3"), ("6", True, "6"), ("", False, "")],
    ids=["the newest that succeeded", "the one that is named", "there is none"],
)
def test_the_baseline_is_of_the_default_branch(
    run_id: str, usable: bool, taken: str, runner: Runner, tmp_path: Path
) -> None:
    """Not of a fork's branch of that name, which anybody could fill; nor of a run that failed or still runs."""
    listed = [artifact(9), artifact(8, repository=2), artifact(7, "feature"), artifact(6), artifact(5, expired=True)]
    listed += [artifact(4, name="other")] + ([artifact(3), artifact(2)] if usable else [])
    answers: dict[str, Any] = {"artifacts": listed, "repos/me/mine": {"default_branch": "main"}}
    for run in range(10):
        conclusion = {6: "failure", 9: ""}.get(run, "success")
        answers[f"repos/me/mine/actions/runs/{run}"] = {"conclusion": conclusion}
        (tmp_path / f"kept{run}" / "records").mkdir(parents=True)
        runner.artifacts[str(run), "base"] = tmp_path / f"kept{run}"
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    told = {"hardiness": "exit 3"}
    job = Job(tmp_path, runner, told, policy="p", baseline_artifact="base", baseline_run_id=run_id)
    status = job.run()
    assert job.values.get("steps.baseline.outputs.run-id", "") == taken
    assert (tmp_path / "runs" / "baseline" / "records").is_dir() == bool(taken)
    if taken:
        assert status == 3
        assert (tmp_path / "answers.json.asked").exists() == (not run_id)
    else:
        assert status == 1
        assert "Judge" not in job.ran
        assert "::error" in job.ran["Find the baseline"].stdout
        assert "give baseline-run-id" in job.ran["Find the baseline"].stdout


LIMITS = """
[[rules]]
benchmark = "own"
metric = "headline"
at_least = 0.3
"""
AGAINST = """
[[rules]]
benchmark = "own"
metric = "headline"
against = "runs/baseline"
worse_by_at_most = 0.2
"""


def brightness(file: Path, sign: float) -> None:
    """Writes an ONNX network that tells light pictures from dark ones, or with -1 takes one for the other."""
    linear = torch.nn.Linear(3, 2)
    linear.weight.data, linear.bias.data = sign * torch.tensor([[-1.0] * 3, [1.0] * 3]), torch.zeros(2)
    file.parent.mkdir(parents=True, exist_ok=True)
    exported.export(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), linear), file)


@pytest.mark.slow
def test_the_workflow_of_the_page_works_and_posts_its_comment(runner: Runner, tmp_path: Path) -> None:
    """On main, in a pull request that changes nothing, and in one whose network has become bad."""
    steps = yaml_blocks("docs/gate.md")[0]["jobs"]["gate"]["steps"]
    (used,) = (step for step in steps if "hardiness@" in step.get("uses", ""))
    (upload,) = (step["with"] for step in steps if "upload-artifact" in step.get("uses", ""))
    (comment,) = (step for step in steps if "run" in step)

    def job(workspace: str, event: str, sign: float = 1.0) -> Job:
        made = Job(tmp_path / workspace, runner, policy="")
        made.values |= {"github.event_name": event, "github.event.pull_request.number": "12" * (event != "push")}
        made.values |= {f"inputs.{name}": made.filled(str(text)) for name, text in used["with"].items()}
        made.values["inputs.benchmark"] = "own"  # and own-c, which takes a minute, where it is not said
        brightness(made.folder / re.search(r"onnx:([^:]+):", used["with"]["model"])[1], sign)  # type: ignore[index]
        shutil.copytree(photographs, made.folder / used["with"]["data"])
        (made.folder / "limits.toml").write_text(LIMITS)
        (made.folder / "policy.toml").write_text(LIMITS + AGAINST)
        (made.folder / "answers.json").write_text(json.dumps(answers))
        made.run()
        made.values |= {f"steps.{used['id']}.outputs.{name}": made.output(name) for name in ACTION["outputs"]}
        if made.is_wanted(comment):
            assert made.run_step(comment) == 0, made.ran["of the page"].stderr
        return made

    draws, photographs = np.random.default_rng(0), tmp_path / "photographs"
    for name, colour in (("dark", 60), ("light", 200)):
        (photographs / name).mkdir(parents=True)
        for number in range(12):
            picture = np.clip(colour + draws.integers(-50, 50, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(photographs / name / f"{number}.jpg", quality=95)
    answers = {
        "artifacts": [artifact(3, name=upload["name"])],
        "repos/me/mine": {"default_branch": "main"},
        "repos/me/mine/actions/runs/3": {"conclusion": "success"},
    }
    on_main = job("main", "push")
    assert (on_main.status, on_main.output("verdict")) == (0, "pass"), on_main.ran
    assert not list(on_main.folder.glob("comment-*"))
    runner.artifacts["3", upload["name"]] = on_main.folder / upload["path"]
    same = job("same", "pull_request")
    assert (same.status, same.output("verdict")) == (0, "pass"), same.ran
    assert "all 24 stored already" in same.ran["Evaluate"].stderr
    assert (same.folder / "comment-12").read_text("utf-8") == (same.folder / same.output("comment")).read_text("utf-8")
    bad = job("bad", "pull_request", -1.0)
    assert (bad.status, bad.output("verdict")) == (3, "fail"), bad.ran
    assert "fail" in (bad.folder / "comment-12").read_text("utf-8")
    mended = job("mended", "pull_request")  # the cache holds what failed
    assert (mended.status, mended.output("verdict")) == (0, "pass"), mended.ran


@pytest.mark.slow
def test_the_gate_judges_what_a_run_could_evaluate(runner: Runner, tmp_path: Path) -> None:
    """A run that ends with 1, here for a torn picture, is judged; one that was in the folder before the job as well."""
    for number in range(6):
        file = tmp_path / "photos" / f"class{number % 2}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 40, 3), 20 + 200 * (number % 2), np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:60])
    brightness(tmp_path / "net.onnx", 1.0)
    (tmp_path / "policy.toml").write_text(LIMITS.replace("own", "*"))
    stored(tmp_path / "runs" / "hardiness", 20)
    model = "onnx:net.onnx:mean=0,std=1,resize_px=32,crop_px=32"
    job = Job(tmp_path, runner, policy="policy.toml", model=model, benchmark="own", data="photos")
    assert job.run() == 3, job.ran
    assert "::warning title=hardiness run" in job.ran["Evaluate"].stdout
    assert len(list((tmp_path / "runs" / "hardiness" / "records").iterdir())) == 2


@pytest.mark.slow
def test_rows_of_other_things_are_kept_beside_those_of_the_photographs(runner: Runner, tmp_path: Path) -> None:
    """Their result is of several runs, and has a key that no folder has."""
    linear = torch.nn.Linear(3, 1000)
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), linear)
    exported.export(network, tmp_path / "net.onnx")
    for folder in (f"imagenet/val/{wnids()[4]}", f"imagenet/val/{wnids()[9]}", "ninco/amphiuma"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(2):
            picture = np.full((40, 40, 3), len(folder) * 5 + 40 * number, np.uint8)
            Image.fromarray(picture).save(tmp_path / "data" / folder / f"{number}.png")
    (tmp_path / "policy.toml").write_text(LIMITS.replace('"own"', '"ood"').replace("0.3", "0"))
    model = "onnx:net.onnx:mean=0,std=1,resize_px=32,crop_px=32"
    job = Job(tmp_path, runner, policy="policy.toml", model=model, benchmark="ood", data="data")
    job.run()
    assert job.ran["Evaluate"].returncode == 0, job.ran["Evaluate"].stderr
    assert job.output("verdict") == "pass", job.ran["Judge"].stdout
    out = tmp_path / "runs" / "hardiness"
    assert sorted(run.run.benchmark.name for run in Store.open(out).runs()) == ["imagenet-val", "ood"]


@pytest.mark.parametrize(("status", "kept"), [(0, "asked"), (1, "asked earlier")])
def test_runs_out_of_the_cache_go_only_where_everything_was_evaluated(
    status: int, kept: str, runner: Runner, tmp_path: Path
) -> None:
    """A model that could not be loaded this time is none that is gone; but its older rows are not judged for it."""
    cache = tmp_path / "cache"
    for name in ("asked", "earlier"):
        (cache / "records" / f"m--{name}").mkdir(parents=True)
    runner.caches["hardiness-runs/hardiness-gate-1"] = cache
    line = f'[ "$1" != run ] || {{ echo \'[{{"run": {{"key": "asked"}}}}]\'; exit {status}; }}'
    line += '; [ "$1" != gate ] || ls runs/hardiness/records > judged.txt'
    job = Job(tmp_path / "workspace", runner, {"hardiness": line}, policy="p", model="m")
    assert job.run() == 0, job.ran
    assert ("::warning title=hardiness run" in job.ran["Evaluate"].stdout) == bool(status)
    assert (job.folder / "judged.txt").read_text().split() == ["m--asked"]
    folders = (job.folder / "runs" / "hardiness" / "records").iterdir()
    assert sorted(folder.name for folder in folders) == [f"m--{name}" for name in kept.split()]


@pytest.mark.slow
def test_a_model_that_can_be_run_no_more_does_not_pass_by_rows_out_of_the_cache(runner: Runner, tmp_path: Path) -> None:
    """A pull request that broke the network was passed by what its last good version had answered."""
    for number in range(24):
        file = tmp_path / "photos" / f"class{number % 2}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 40, 3), 20 + number + 150 * (number % 2), np.uint8)).save(file)
    view = "mean=0.5,std=0.5,resize_px=32,crop_px=32"

    def job(workspace: str, *models: str, is_broken: bool = False) -> Job:
        inputs = {"policy": "policy.toml", "benchmark": "own", "data": "photos"}
        made = Job(tmp_path / workspace, runner, **inputs, model="\n".join(f"{each}.onnx:{view}" for each in models))
        shutil.copytree(tmp_path / "photos", made.folder / "photos")
        (made.folder / "policy.toml").write_text(LIMITS)
        for name in ("net", "old"):
            brightness(made.folder / f"{name}.onnx", 1.0)
        if is_broken:
            (made.folder / "net.onnx").write_bytes(b"torn")
        made.run()
        return made

    new = "new=onnx:net"
    assert job("good", new).output("verdict") == "pass"
    broken = job("broken", new, is_broken=True)
    assert (broken.status, broken.output("verdict")) == (2, "no records"), broken.ran
    beside = job("beside", new, "old=onnx:old", is_broken=True)
    assert (beside.status, beside.output("verdict")) == (1, "missing"), beside.ran
    comment = (beside.folder / beside.output("comment")).read_text("utf-8")
    assert comment.startswith("**missing: a model could not be evaluated")
    mended = job("mended", new)
    assert (mended.status, mended.output("verdict")) == (0, "pass"), mended.ran
    assert "all 24 stored already" in mended.ran["Evaluate"].stderr, "its rows were put back"


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
    assert set(used["with"]) <= set(ACTION["inputs"])
    assert {name for name, each in ACTION["inputs"].items() if each.get("required")} <= set(used["with"])


def yaml_blocks(page: str) -> list[Any]:
    return [
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    ]
