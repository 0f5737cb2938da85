"""Networks as they are deployed, through the command line: what their outputs cannot say, and functions of files."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import exported
import pytest
import torch
from torch import nn


@pytest.fixture(scope="module")
def softmax(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network with 1,000 classes that takes (N, H, W, 3) as bytes and ends in a softmax."""
    folder = tmp_path_factory.mktemp("onnx")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 1000))
    source = exported.export(network, folder / "plain.onnx", (32, 32))
    return f"onnx:{exported.changed(source, folder / 'net.onnx', nhwc=True, bytes_in=True, softmax=True)}"


def test_of_probabilities_temperature_is_refused_and_calibration_is_given(
    softmax: str, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    told = hardiness(
        *("run", "-m", f"{softmax}:resize_px=36,crop_px=32", "-b", "imagenet-val", "--data", "embedded"),
        *("--limit", "60", "--device", "cpu", "--quiet", "--out", tmp_path / "out"),
    )
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "out")
    assert result["run"]["model"]["outputs"] == "probabilities"
    scores = {(each["metric"], each["condition"].get("decision")): each for each in result["scores"]}
    assert scores["nll", None]["value"] > 0
    assert scores["temperature", None]["value"] is None
    assert scores["temperature", None]["lack"]["text"] == (
        "not available: the model gives probabilities, and this needs logits"
    )


def test_attacks_that_go_by_logits_are_refused_by_name(softmax: str, hardiness: Any, tmp_path: Path) -> None:
    told = hardiness(
        *("run", "-m", f"{softmax}:resize_px=36,crop_px=32", "--data", "embedded", "--limit", "2", "--device", "cpu"),
        *("-b", "whitebox:attack=square,protocol=standard,epsilons=0.1,steps=2", "--out", tmp_path / "out"),
    )
    assert told.status == 1
    assert "net.onnx gives probabilities, and square goes by logits: attack it with hopskipjump" in told.err


def test_without_a_view_the_command_ends_in_one_line(softmax: str, hardiness: Any, tmp_path: Path) -> None:
    told = hardiness("run", "-m", softmax, "-b", "imagenet-val", "--data", "embedded", "--out", tmp_path / "out")
    assert told.status == 2
    assert "which is never guessed: state resize_px=…,crop_px=… or crop_mode=squash" in told.err
    assert not (tmp_path / "out").exists()


DEPLOYED = """
import io
import numpy as np
from PIL import Image

WEIGHTS = np.random.default_rng(0).normal(size=(48, 3))

def answer(picture):
    return (np.asarray(picture, float).reshape(4, 8, 4, 8, 3).mean((1, 3)) / 255 - 0.5).ravel() @ WEIGHTS * 20

def pillow(files):
    pictures = [Image.open(io.BytesIO(file)).convert("RGB").resize((32, 32), Image.BILINEAR) for file in files]
    return [answer(picture) for picture in pictures]

def opencv(files):
    import cv2
    pictures = [cv2.imdecode(np.frombuffer(file, np.uint8), 1)[..., ::-1] for file in files]
    return [answer(cv2.resize(picture, (32, 32))) for picture in pictures]

def pictures(pictures):
    return [answer(Image.fromarray(picture).resize((32, 32), Image.BILINEAR)) for picture in pictures]
"""
"""A stranger's functions of files and of pictures: one network, and the resizes of two libraries before it."""


@pytest.fixture(scope="module")
def deployed(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the functions, and fifteen photographs in three classes."""
    folder = tmp_path_factory.mktemp("deployed")
    (folder / "net.py").write_text(DEPLOYED)
    for number, photograph in enumerate(photographs[:15]):
        (folder / "photos" / "abc"[number % 3]).mkdir(parents=True, exist_ok=True)
        (folder / "photos" / "abc"[number % 3] / f"{number}.jpg").write_bytes(photograph.read_bytes())
    return folder


@pytest.fixture
def service(deployed: Path) -> Iterator[str]:
    """The address of a service with the first of these functions behind it."""
    functions: dict[str, Any] = {}
    exec((deployed / "net.py").read_text(), functions)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            files = [base64.b64decode(instance["b64"]) for instance in body["instances"]]
            rows = [row.tolist() for row in functions["pillow"](files)]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"predictions": rows}).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/models/net:predict"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_functions_of_files_and_a_service_are_run_as_they_are_deployed(
    deployed: Path, service: str, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    """Files, pictures and a service agree; the same network behind another library's resize does not."""
    net, out = f"py:{deployed / 'net.py'}", tmp_path / "out"
    told = hardiness(
        *("run", "-m", f"pillow={net}:pillow:takes=encoded", "-m", f"opencv={net}:opencv:takes=encoded"),
        *("-m", f"pictures={net}:pictures:takes=full", "-m", f"service={service}:takes=encoded,tag=v3"),
        *("-b", "own", "-b", "own-c:corruptions=pixelate,severities=5"),
        *("--data", deployed / "photos", "--device", "cpu", "--quiet", "--out", out),
    )
    assert told.status == 0, told.err
    assert "takes=" not in told.err
    scores = {
        each["model"]: [score["value"] for score in each["scores"] if score["metric"] in ("nll", "ece")]
        for each in results(out)
        if each["benchmark"] == "own"
    }
    assert scores["pillow"] == scores["pictures"] == scores["service"] != scores["opencv"]
    runs = {(each["model"], each["benchmark"]): each["run"] for each in results(out)}
    assert runs["pillow", "own-c"]["benchmark"]["options"]["jpeg"] is False
    assert runs["service", "own"]["model"]["options"]["takes"] == "encoded"
    again = hardiness(
        "run", "-m", f"service={service}:takes=encoded,tag=v3", "-b", "own", "--data", deployed / "photos", "--out", out
    )
    assert again.status == 0
    assert len(results(out)) == len(runs), "with a tag the same command goes on"


@pytest.mark.slow
def test_the_suite_of_ones_own_passes_over_what_has_a_canvas(deployed: Path, hardiness: Any, tmp_path: Path) -> None:
    told = hardiness(
        *("run", "-m", f"py:{deployed / 'net.py'}:pictures:takes=full", "--data", deployed / "photos"),
        *("--limit", "3", "--device", "cpu", "--out", tmp_path / "out"),
    )
    assert told.status == 0, told.err
    for name in ("shift-consistency", "whitebox"):
        assert f"takes pictures at their own size (takes=) and cannot be evaluated on {name}, wh" in told.err
    refused = hardiness(
        *("run", "-m", f"py:{deployed / 'net.py'}:pictures:takes=full", "--data", deployed / "photos"),
        *("-b", "imagenet-c", "--device", "cpu", "--out", tmp_path / "refused"),
    )
    assert refused.status == 1
    assert "what serves is own (your pictures as they are), imagenet-val, and own-c" in refused.err
