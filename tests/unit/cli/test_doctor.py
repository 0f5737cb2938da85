"""What ``hardiness doctor`` says of this machine, and when it says that something is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from hardiness.cli import doctor, main


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["hardiness", "doctor", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return int(left.value.code or 0), captured.out


def test_it_tells_versions_machine_speed_and_folders(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "imagenet-a").mkdir()
    status, out = run(capsys, monkeypatch, "--no-test", "--json", "--data", str(tmp_path))
    found = json.loads(out)
    assert status == 0
    assert found["versions"]["hardiness"]
    assert found["machine"]["cores"]
    assert found["speed"]["forward pass"]
    assert found["folders"]["data"] == f"{tmp_path}: imagenet-a"
    assert "library" in found["views"]["efficientnet_lite0"]


def test_a_view_that_is_not_the_librarys_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, monkeypatch, "--no-test", "-m", "timm:resnet50.tv_in1k")[0] == 0
    stated = doctor._of_library

    def otherwise(spec: Any) -> Any:
        return {**(stated(spec) or {}), "filter": "lanczos"} if stated(spec) else None

    monkeypatch.setattr(doctor, "_of_library", otherwise)
    status, out = run(capsys, monkeypatch, "--no-test")
    assert status == 1
    assert "timm says filter lanczos" in " ".join(out.split())


@pytest.mark.slow
def test_unknown_models_and_roots_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out = run(capsys, monkeypatch, "--no-test", "-m", "resnet", "--data", "/nowhere")
    assert status == 1
    assert "unknown model" in " ".join(out.split())
    assert "cannot be listed" in " ".join(out.split())


@pytest.mark.slow
def test_the_embedded_models_answer_as_they_must(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out = run(capsys, monkeypatch, "--json")
    found = json.loads(out)["self-test"]
    assert status == 0
    assert found["efficientnet_lite0"].startswith("96 of 99 right, must be 96")
    assert found["squeezenet1_1"].startswith("86 of 99 right, must be 86")
    monkeypatch.setitem(doctor.KNOWN_RIGHT, "squeezenet1_1", 85)
    assert run(capsys, monkeypatch, "--json")[0] == 1
