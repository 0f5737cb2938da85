"""Stored rows of a person's own code go on after a look only: what no source shows begins a run of its own."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from hardiness.benchmarks import options
from hardiness.benchmarks.options import parse
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.distortions.apply import corruptions
from hardiness.engine import look
from hardiness.engine.evaluation import Evaluation
from hardiness.engine.ray_task import Errand, list_units
from hardiness.models import service

RUN = ("-b", "imagenet-val", "--data", "embedded", "--device", "cpu")

FUNCTION = """
import json, os, types
from pathlib import Path
import numpy as np

FOLDER = Path(__file__).parent
W = np.random.default_rng(0).normal(size=(48, 1000)).astype("f4")
CALLS = FOLDER / "calls.txt"

def logits(images):
    with CALLS.open("a") as calls:
        calls.write(f"{len(images)}\\n")
    count, height, width, _ = images.shape
    parts = images.astype("f4").reshape(count, 4, height // 4, 4, width // 4, 3).mean((2, 4)) / 255 - 0.5
    return 10 * parts.reshape(count, 48) @ W
"""
NETWORK = """
import json, types
from pathlib import Path
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 1000)
        self.head.weight.data = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))
        text = (Path(__file__).parent / "settings.json").read_text()
        self.settings = types.SimpleNamespace(**json.loads(text))

    def forward(self, x):
        return self.head(x.mean((2, 3))) * self.settings.sign

def build():
    return Net()
"""
READS = {
    "a closure": """
def scaled(sign):
    return lambda images: logits(images) * sign
classify = scaled(json.loads((FOLDER / "settings.json").read_text())["sign"])
""",
    "a namespace": """
SETTINGS = types.SimpleNamespace(**json.loads((FOLDER / "settings.json").read_text()))
def classify(images):
    return logits(images) * SETTINGS.sign
""",
    "an environment variable": """
def classify(images):
    return logits(images) * float(os.environ["SIGN_OF_LOOK"])
""",
    "a JSON file": """
def classify(images):
    return logits(images) * json.loads((FOLDER / "settings.json").read_text())["sign"]
""",
    "a YAML file": """
import yaml
def classify(images):
    return logits(images) * yaml.safe_load((FOLDER / "settings.yaml").read_text())["sign"]
""",
    "weights behind a path": """
W = np.load(FOLDER / "weights.npy")
def classify(images):
    return logits(images)
""",
}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Writes what no source shows: settings in files and in the environment, and weights."""

    def write(sign: float) -> None:
        (tmp_path / "settings.json").write_text(json.dumps({"sign": sign}))
        (tmp_path / "settings.yaml").write_text(f"sign: {sign}\n")
        monkeypatch.setenv("SIGN_OF_LOOK", str(sign))
        np.save(tmp_path / "weights.npy", sign * np.random.default_rng(0).normal(size=(48, 1000)).astype("f4"))

    write(1.0)
    return write


@pytest.fixture
def run(hardiness: Callable[..., Any], tmp_path: Path) -> Callable[..., list[str]]:
    """Evaluates a model into ``out``; the lines on its look."""

    def evaluate(model: str, *more: str, limit: int = 3) -> list[str]:
        told = hardiness("run", "-m", model, *RUN, "--limit", str(limit), "--out", tmp_path / "out", *more)
        assert told.status == 0, told.err
        return [line for line in told.lines if "stored rows" in line]

    return evaluate


def ordinals(out: Path) -> list[int]:
    runs = [json.loads(path.read_text())["run"] for path in out.glob("records/*/run.json")]
    return sorted(run["versions"].get("code", 0) for run in runs)


def function(folder: Path, reads: str) -> str:
    (folder / "own.py").write_text(FUNCTION + reads)
    return f"py:{folder / 'own.py'}:classify:resize_px=256,crop_px=224,interpolation=bilinear"


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*READS, "a network's namespace"])
def test_another_setting_that_no_source_shows_is_another_run(
    kind: str, state: Any, run: Any, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    if kind in READS:
        model = function(tmp_path, READS[kind])
    else:
        (tmp_path / "own.py").write_text(NETWORK)
        model = f"py:{tmp_path / 'own.py'}:build:mean=0,std=1"
    assert run(model) == run(model) == []
    assert ordinals(out) == [0], "the same code goes on"
    (first,) = results(out)
    state(-1.0)
    (line,) = run(model)
    assert ": its source is the same, and its outputs are not those of the stored rows: for n" in line
    assert "they differ by 200.0 % of the largest (up to 1.0 % is taken for the same): a new run begins" in line
    assert run(model) == []
    assert ordinals(out) == [0, 1]
    found = {result["run"]["versions"].get("code", 0): result for result in results(out)}
    assert found[0]["scores"] == first["scores"]
    shown = hardiness("show", out)
    assert "(earlier code)" in shown.out
    assert "earlier code, which is neither ranked nor continued" in " ".join(shown.out.split())
    listed = hardiness("list", "runs", out)
    assert listed.out.count("replaced by") == 1


@pytest.mark.slow
def test_an_edited_file_or_import_is_another_run_always(state: Any, run: Any, tmp_path: Path) -> None:
    (tmp_path / "beside_the_look.py").write_text("SIGN = 1\n")
    model = function(tmp_path, "def classify(images):\n    import beside_the_look\n    return logits(images)\n")
    run(model)
    (tmp_path / "beside_the_look.py").write_text("SIGN = 1  # a comment\n")
    run(model)
    assert ordinals(tmp_path / "out") == [0]
    (tmp_path / "beside_the_look.py").write_text("SIGN = -1\n")
    assert run(model) == [], "no output changes, and the source does"
    assert ordinals(tmp_path / "out") == [0, 0]


@pytest.mark.slow
def test_a_look_is_taken_once_a_command_and_only_by_run(state: Any, run: Any, hardiness: Any, tmp_path: Path) -> None:
    model, calls = function(tmp_path, READS["a JSON file"]), tmp_path / "calls.txt"

    def asked(*command: Any, **more: Any) -> int:
        calls.write_text("")
        hardiness(*command) if command else run(model, **more)
        return sum(map(int, calls.read_text().split()))

    asked(limit=2)
    short = asked(limit=2)  # all is stored: what is asked is the look, and what shows how the model answers
    assert asked(limit=20) > short + 14 + 18
    assert asked(limit=20) <= short + 14 + 16, "16 pictures, and no second time but for checks of a larger batch"
    assert asked("show", tmp_path / "out") == asked("report", tmp_path / "out") == 0
    assert ordinals(tmp_path / "out") == [0]
    state(-1.0)
    (line,) = run(model, limit=2)
    assert "a new run begins" in line, "the first pictures are among those that are looked at"


@pytest.mark.slow
def test_the_workers_of_a_command_look_once(state: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = parse("imagenet-val")
    evaluation = Evaluation(benchmark, benchmark.dataset(locate(["embedded"])), Request(limit=3))
    placing = {"device": "cpu", "precision": "fp32", "runtime": "auto"}
    errand = Errand((function(tmp_path, READS["a JSON file"]),), placing, (evaluation,), tmp_path / "out")
    looks = []
    usual = look._outputs
    monkeypatch.setattr(look, "_outputs", lambda *given: looks.append(1) or usual(*given))
    for sign in (1.0, -1.0):
        state(sign)
        listing = list_units(errand)
        assert looks
        looks.clear()
        other = list_units(replace(errand, keys=listing.keys))  # as each of its workers prepares itself
        assert not looks, "a worker trusts the process that listed its units"
        assert other.keys == listing.keys
    assert ordinals(tmp_path / "out") == [0]


UNSTEADY = """
MADE = []
def classify(pictures):  # as a service with two versions behind it: when it is loaded both calls meet one of them
    MADE.append(1)
    rows = np.random.default_rng(None if len(MADE) > 8 else 0).normal(size=1000)
    return np.tile(rows, (len(pictures), 1))
"""


@pytest.mark.slow
def test_a_model_that_disagrees_with_itself_has_no_look(state: Any, run: Any, tmp_path: Path) -> None:
    model = f"{function(tmp_path, UNSTEADY).partition(':resize_px')[0]}:takes=full"
    assert run(model, limit=20) == []
    (line,) = run(model, limit=20)
    assert ": asked twice for n" in line
    assert "nothing says whether its code is that of the stored rows, which go on; add tag=NAME" in line
    assert ordinals(tmp_path / "out") == [0]


@pytest.mark.slow
def test_a_tag_overrules_source_and_look(state: Any, run: Any, tmp_path: Path) -> None:
    model, out = function(tmp_path, READS["a JSON file"]), tmp_path / "out"
    run(f"{model},tag=first")
    state(-1.0)
    function(tmp_path, f"SIGN = 1\n{READS['a JSON file']}")
    assert run(f"{model},tag=first") == []
    assert ordinals(out) == [0]
    run(f"{model},tag=second")
    assert ordinals(out) == [0, 0]


CORRUPTION = """
import json
from pathlib import Path
from typing import NamedTuple
from hardiness.distortions import corruption
from hardiness.distortions.apply import no_draws

class Level(NamedTuple):
    share: float

@corruption("colour", tuple(map(Level, (0.9, 0.8, 0.7, 0.6, 0.5))), no_draws)
def dimmed_by_a_file(image, level, draws):
    "Darker, and by a file."
    by = json.loads(Path(__file__).with_name("settings.json").read_text())["sign"]
    return (image * level.share * by).astype("uint8")
"""


@pytest.mark.slow
def test_another_setting_of_a_corruption_is_another_run(
    state: Any, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "_files", {})
    monkeypatch.setattr(corruptions, "_entries", dict(corruptions._entries) if corruptions.names() else {})
    (tmp_path / "dimmed.py").write_text(CORRUPTION)
    benchmark = f"imagenet-c:corruptions=py:{tmp_path / 'dimmed.py'}:dimmed_by_a_file,severities=1+2"

    def lines() -> list[str]:
        told = hardiness(
            *("run", "-m", "squeezenet1_1", "-b", benchmark, "--data", "embedded", "--device", "cpu"),
            *("--limit", "2", "--out", tmp_path / "out"),
        )
        assert told.status == 0, told.err
        return [line for line in told.lines if "stored rows" in line]

    assert lines() == lines() == []
    state(0.99)
    (line,) = lines()
    assert line.startswith("squeezenet1_1: a distortion of your own makes another picture than when the stored rows")
    assert "corruption=dimmed_by_a_file severity=1" in line
    assert lines() == []
    assert ordinals(tmp_path / "out") == [0, 1]


class Handler(BaseHTTPRequestHandler):
    """A service whose answers have a sign."""

    sign: ClassVar[float] = 1.0

    def do_POST(self) -> None:
        """A row for each picture, by the bytes of its file."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        files = [base64.b64decode(each["b64"]) for each in body["instances"]]
        rows = [[self.sign * (file[place % len(file)] - 99) for place in range(1000)] for file in files]
        content = json.dumps({"predictions": rows}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/net"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_another_service_behind_an_address_is_another_run(
    address: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = f"{address}:takes=encoded,output=logits"
    assert run(model) == run(model) == []
    monkeypatch.setattr(Handler, "sign", -1.0)
    (line,) = run(model)
    assert "a new run begins" in line
    assert ordinals(tmp_path / "out") == [0, 1]


def test_a_service_that_takes_a_key_needs_a_tag(
    address: str, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_KEY", "a-secret-of-many-letters")
    monkeypatch.setattr(service, "exchange", None)
    model = f"{address}:takes=encoded,key_env=SERVICE_KEY"
    told = hardiness("run", "-m", model, *RUN, "--limit", "2", "--out", tmp_path / "out")
    assert told.status == 2
    assert "takes a key, so that its answers may cost" in told.err
    assert "state its version as tag=NAME" in told.err
