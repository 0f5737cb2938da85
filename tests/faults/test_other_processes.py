"""Processes that a model's code starts, and forks of ours."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

POOL = """
import multiprocessing, os
import numpy as np

def build():
    def answers(images):
        with multiprocessing.get_context("fork").Pool(2) as pool:  # its end is a SIGTERM to each of its processes
            pool.map(abs, [1, 2])
        return np.tile([[0.6, 0.4]], (len(images), 1))
    return answers
"""
VIEW = "resize_px=64,crop_px=64,interpolation=bilinear"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(2):
            PIL.Image.new("RGB", (64, 64), (40 * number, 9, 9)).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path


@pytest.mark.slow
def test_a_pool_in_a_model_prints_no_traces_of_signals(photos: Path, warm: Callable[..., Any]) -> None:
    (photos / "pool.py").write_text(POOL)
    model = f"py:pool.py:build:{VIEW}"
    process = warm("-m", "hardiness", "run", "-m", model, "-b", "own", "--data", "photos", "--out", "out", cwd=photos)
    _, err = process.communicate(120)
    assert (process.returncode, "Traceback" in err, "KeyboardInterrupt" in err) == (0, False, False), err


FORKS = """
import os, signal, sys
import torch
import hardiness

torch.set_num_threads(2)
torch.nn.Conv2d(3, 64, 7)(torch.zeros(8, 3, 96, 96)).sum().backward()  # makes the threads that a fork has not
kind = sys.argv[1]
child = os.fork()
if not child:
    signal.alarm(120)
    if kind == "evaluate":
        request = {"limit": 2, "runtime": "torch", "progress": False}
        result = hardiness.evaluate("squeezenet1_1", "imagenet-val", "embedded", **request)
        print(result.counts.images, flush=True)
    elif kind == "attack":
        pictures = hardiness.attack("squeezenet1_1", torch.zeros(2, 3, 64, 64), [0, 1], epsilon=0.1, steps=1)
        print(len(pictures), flush=True)
    else:
        class Stops:
            def __call__(self, images):
                os.kill(os.getpid(), signal.SIGINT)
                while True:
                    pass

        try:
            hardiness.evaluate(Stops(), "imagenet-val", "embedded", view=hardiness.View(resize_px=64, crop_px=64))
        except KeyboardInterrupt:
            os.write(1, b"stopped\\n")  # what Python prints goes aside as long as the model computes
    os._exit(0)
print("status", os.waitpid(child, 0)[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "says"), [("evaluate", "2"), ("attack", "2"), ("stop", "stopped")])
def test_a_fork_of_a_process_that_has_computed_computes(warm: Any, tmp_path: Path, kind: str, says: str) -> None:
    """Its first thread waited for the parent's threads of OpenMP, and never ended."""
    (tmp_path / "forks.py").write_text(FORKS)
    process = warm("forks.py", kind, cwd=tmp_path)
    out, err = process.communicate(timeout=300)
    assert out.splitlines() == [says, "status 0"], err


def test_ctrl_c_is_heard() -> None:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_ctrl_c_is_heard_also_where_a_script_starts_the_tests_in_the_background() -> None:
    """Processes that tests interrupt inherited that the signal is ignored, and never ended."""
    name = f"{__file__}::{test_ctrl_c_is_heard.__name__}"
    command = 'trap \'\' INT; exec "$0" -m pytest -q -n 0 -p no:cacheprovider "$1"'
    told = subprocess.run(["sh", "-c", command, sys.executable, name], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
