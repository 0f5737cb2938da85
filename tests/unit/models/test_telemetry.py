"""OpenVINO reports nothing, in whatever process it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_RUN = """
import socket, sys

attempts = []
def refuse(*given, **_):
    attempts.append(given)
    raise OSError("no network here")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
sys.addaudithook(lambda event, given: attempts.append((event, given)) if event in (
    "socket.connect", "socket.getaddrinfo", "urllib.Request", "http.client.connect") else None)
BEFORE
import torch
from hardiness.core import View
from hardiness.models import wrap

network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
classifier = wrap(network, View(32, 32), name="net", device="cpu", runtime="openvino")
classifier.logits(torch.rand(2, 3, 32, 32))
assert classifier.runtimes.name == "openvino"
import time
time.sleep(SECONDS)
assert not attempts, attempts
"""


def _run(home: Path, before: str = "", seconds: float = 1.0) -> None:
    text = _RUN.replace("BEFORE", before).replace("SECONDS", str(seconds))
    environment = {"HOME": str(home), "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
    found = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


@pytest.mark.slow
@pytest.mark.thorough
def test_nothing_is_sent_and_no_identifier_is_kept(tmp_path: Path) -> None:
    _run(tmp_path)
    assert not (tmp_path / "intel").exists()


@pytest.mark.slow
@pytest.mark.thorough
def test_a_reporter_that_was_loaded_before_is_silenced(tmp_path: Path) -> None:
    _run(tmp_path, "import openvino_telemetry")
