"""What a public project shows beside its code names what there is: commands, versions, packages."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import hardiness

ROOT = Path(hardiness.__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_workflows_call_what_the_makefile_has_on_the_versions_that_classifiers_name() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    made = [command.removeprefix("make ") for command in commands if command.startswith("make ")]
    assert sorted(made) == ["lint", "site", "test", "wheel"]
    assert {*made} <= TARGETS
    assert ".ci/environments ${{ matrix.name }}" in commands
    assert "continue-on-error" not in (ROOT / ".github/workflows/tests.yml").read_text(), "none may fail"
    matrix = jobs["environments"]["strategy"]["matrix"]["include"]
    named = {each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", each)}
    assert {row["python"] for row in matrix} == named
    environments = (ROOT / ".ci/environments").read_text()
    for row in matrix:
        assert re.search(rf"^# .*\b{re.escape(row['name'])} ", environments, re.MULTILINE)


def test_the_lowest_environment_has_the_lowest_release_of_everything_required() -> None:
    """Its pins are made of pyproject.toml, whose bounds therefore each name a release that there is."""
    done = subprocess.run([ROOT / ".ci/environments", "--lowest"], capture_output=True, text=True, check=True)
    pins = dict(re.match(r"([\w.-]+)(?:==|<)(.*)", line).groups() for line in done.stdout.splitlines())
    required = [re.match(r"([\w.-]+)>=(.*)", each).groups() for each in PROJECT["dependencies"]]
    assert {name: pins[name] for name, _ in required} == dict(required)
    for extra, name in (("onnx", "onnxruntime"), ("hf", "transformers"), ("objects", "obstore"), ("video", "av")):
        assert f"{name}>={pins[name]}" in PROJECT["optional-dependencies"][extra]


@pytest.mark.slow
def test_an_environment_whose_python_is_not_there_is_not_passed_over() -> None:
    for name, status, told in (("3.99", 1, "failed: there is no Python 3.99"), ("x", 2, "no environment of that name")):
        done = subprocess.run([ROOT / ".ci/environments", name], capture_output=True, text=True, check=False)
        assert (done.returncode, told in done.stdout) == (status, True), done.stdout + done.stderr


def test_hooks_before_a_commit_are_those_of_make_lint() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries = [hook["entry"].replace(" --force-exclude", "") for hook in repository["hooks"]]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    for line in lint.splitlines():
        command = line.strip().removeprefix("$(BIN)/").removesuffix(" .")
        assert command.replace("format --check", "format") in {entry.replace(" --check", "") for entry in entries}


def test_the_conda_recipe_asks_for_what_the_wheel_asks_for() -> None:
    recipe = yaml.safe_load((ROOT / "conda/recipe.yaml").read_text())
    assert recipe["context"]["version"] == PROJECT["version"]
    others = {"huggingface-hub": "huggingface_hub", "matplotlib": "matplotlib-base", "torch": "pytorch"}
    others["opencv-python-headless"] = "py-opencv"

    def names(requirements: list[str]) -> set[str]:
        asked = {re.match(r"([\w.-]+)(.*)", each).groups() for each in requirements}
        return {f"{others.get(name, name)} {version}" for name, version in asked}

    required = {*names(PROJECT["dependencies"]), f"python {PROJECT['requires-python']}"}
    assert set(recipe["requirements"]["run"]) == required
    assert set(recipe["requirements"]["run_constraints"]) == names(PROJECT["optional-dependencies"]["torch"])
    (entry,) = recipe["build"]["python"]["entry_points"]
    assert entry == f"hardiness = {PROJECT['scripts']['hardiness']}"


def test_containers_install_extras_and_run_targets_that_there_are() -> None:
    docker = (ROOT / "Dockerfile").read_text()
    extras = re.search(r"pip install '\.\[([\w,]+)\]'", docker)[1]
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for copied in re.findall(r"^COPY (.*) \S+$", docker, re.MULTILINE):
        assert all((ROOT / name).exists() and f"!{name}" in ignored for name in copied.split())
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["postCreateCommand"].removeprefix("make ") in TARGETS


def test_whoever_runs_the_container_can_write_results_and_finds_compiled_kernels(tmp_path: Path) -> None:
    """The image's steps, in a folder that stands for ``/``, by somebody whose files are nobody else's to write to."""
    docker = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    (tmp_path / "bin").mkdir()
    programs = {
        "pip": "",
        "useradd": f"mkdir -p {tmp_path}/home/user",
        "hardiness": '[ "$2" = get ] && mkdir -p "$HARDINESS_CACHE/frost" || mkdir -p "$NUMBA_CACHE_DIR/a" "$7"',
    }
    for name, line in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\numask 077\n{line}\n")
        (tmp_path / "bin" / name).chmod(0o700)
    rooted = re.sub(r"(?<=[ =])/(?=(cache|runs|home|tmp)\b)", f"{tmp_path}/", docker)
    settings = dict(
        each.split("=", 1) for line in re.findall(r"^ENV (.*)$", rooted, re.MULTILINE) for each in line.split()
    )
    for line in re.findall(r"^RUN (.*)$", rooted, re.MULTILINE):
        environment = {**settings, "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
        subprocess.run(["sh", "-euc", f"umask 077; {line}"], env=environment, check=True, cwd=tmp_path)
    for folder in ("runs", "cache", "cache/frost", "cache/kernels/a", "home/user"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o777, folder
    assert Path(settings["HOME"]) == tmp_path / "home/user"
    assert not (tmp_path / "tmp/demo").exists()


def test_the_citation_names_the_licence_and_the_paper_behind_the_suite() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["license"] == PROJECT["license"]
    (reference,) = citation["references"]
    assert reference["identifiers"][0]["value"] in (ROOT / "README.md").read_text().replace("abs/", "").replace(
        "https://arxiv.org/", "arXiv:"
    )


def test_the_changes_of_this_version_are_dated() -> None:
    """What stands before them, under "Next", is of no version yet."""
    titles = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = titles[titles[0] == "Next"]
    assert re.match(rf"{re.escape(PROJECT['version'])}, \d+ \w+ \d{{4}}", newest)
