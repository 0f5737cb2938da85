"""Plain functions, objects that can be called, MAITE's models, TorchScript, torch.export and int8 networks."""

from __future__ import annotations

import gc
import inspect
import json
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import hardiness
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec, View
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models import caller, loading
from hardiness.models.catalogue import BuilderResult, PlainFunction, Scheme, schemes
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load, wrap
from hardiness.models.preprocessing import to_pixels
from hardiness.report.words import text

WEIGHTS = np.random.default_rng(0).normal(size=(12, 7)).astype(np.float32)
VIEW = View(36, 32)


def corners(images: np.ndarray) -> np.ndarray:
    """The mean colours of four parts."""
    count, height, width, _ = images.shape
    parts = images.astype(np.float32).reshape(count, 2, height // 2, 2, width // 2, 3).mean((2, 4)) / 255 - 0.5
    return parts.reshape(count, 12)


def logits(images: np.ndarray) -> np.ndarray:
    assert images.dtype == np.uint8
    return 10 * corners(images) @ WEIGHTS


def shares(images: np.ndarray) -> np.ndarray:
    found = np.exp(logits(images))
    return found / found.sum(1, keepdims=True)


class Service:
    """An object that can be called."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, images: np.ndarray) -> list[list[float]]:
        return (self.factor * logits(images)).tolist()


@pytest.fixture(scope="module")
def images(photographs: list[Path]) -> np.ndarray:
    return np.stack([on_canvas(decode(path.read_bytes(), path.name), VIEW.canvas) for path in photographs[:6]])


@pytest.fixture(scope="module")
def pixels(images: np.ndarray) -> Tensor:
    return to_pixels(list(images))


@pytest.mark.slow
def test_a_function_gets_the_canvas_as_it_is(images: np.ndarray, pixels: Tensor) -> None:
    seen: list[np.ndarray] = []

    def watched(batch: np.ndarray) -> np.ndarray:
        seen.append(batch.copy())
        return logits(batch)

    classifier = wrap(watched, VIEW, name="mine")
    np.testing.assert_allclose(classifier.logits(pixels), logits(images), atol=1e-6)
    assert any(np.array_equal(batch, images) for batch in seen)
    assert (classifier.runtimes.name, classifier.outputs, classifier.num_classes, classifier.device) == (
        *("function", ""), 7, "cpu"
    )  # fmt: skip


def test_probabilities_are_seen(images: np.ndarray, pixels: Tensor) -> None:
    classifier = wrap(shares, VIEW, name="mine")
    assert classifier.outputs == "probabilities"
    np.testing.assert_allclose(classifier.logits(pixels), np.log(shares(images)), atol=1e-5)
    with pytest.raises(ModelError, match="must return probabilities"):
        wrap(logits, VIEW, name="mine", output="probabilities").logits(pixels)


def test_probabilities_in_percent_are_asked_back(pixels: Tensor) -> None:
    """They were taken for logits without a word: the right answers, and nonsense for confidences."""

    def percent(batch: np.ndarray) -> np.ndarray:
        return np.round(100 * shares(batch), 1)

    for options in ({}, {"output": "probabilities"}):
        with pytest.raises(ArgumentError, match=r"mine puts out probabilities in percent on two pictures .* divide"):
            wrap(percent, VIEW, name="mine", **options)
    assert wrap(percent, VIEW, name="mine", output="logits").outputs == ""
    network = nn.Sequential(small(), nn.Softmax(1), Hundredfold())
    with pytest.raises(ArgumentError, match="net puts out probabilities in percent"):
        wrap(network, VIEW, name="net", device="cpu", runtime="torch")


class Hundredfold(nn.Module):
    """What was put in, times 100."""

    def forward(self, rows: Tensor) -> Tensor:
        return 100 * rows


def odds(images: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits(images)))


def test_what_a_sigmoid_gives_is_read_as_is_stated(images: np.ndarray, pixels: Tensor) -> None:
    with pytest.raises(
        ArgumentError, match=r"from 0 to 1 on two pictures, .* state output=probabilities or output=log"
    ):
        wrap(odds, VIEW, name="mine", activation="sigmoid")
    given = {"activation": "sigmoid", "output": "probabilities"}
    for classifier in (wrap(odds, VIEW, name="mine", **given), wrap(logits, VIEW, name="m", activation="sigmoid")):
        assert classifier.outputs == ""
        np.testing.assert_allclose(classifier.logits(pixels), logits(images), rtol=1e-3, atol=1e-4)
    assert any(
        "state activation=sigmoid and output=" in note for note in map(text, wrap(odds, VIEW, name="mine").notes)
    )
    assert not any("activation" in note for note in map(text, wrap(logits, VIEW, name="mine").notes))
    before = {**given, "output": "logits"}
    for one, stated in (
        (lambda batch: odds(batch)[:, 0], given),
        (lambda batch: odds(batch)[:, :1], given),
        (lambda batch: logits(batch)[:, :1], before),
    ):
        found = wrap(one, VIEW, name="mine", **stated).logits(pixels)
        np.testing.assert_allclose(torch.from_numpy(found).softmax(1)[:, 1].numpy(), odds(images)[:, 0], rtol=1e-4)
    with pytest.raises(ModelError, match=r"puts out 1; .* state activation=sigmoid"):
        wrap(lambda batch: logits(batch)[:, :1], VIEW, name="mine")
    with pytest.raises(ModelError, match=r"mine must put out probabilities from 0 to 1, puts out -"):
        wrap(logits, VIEW, name="mine", **given).logits(pixels)
    sure = wrap(lambda batch: np.round(odds(batch)), VIEW, name="mine", **given).logits(pixels)
    assert np.isfinite(sure).all(), "probabilities that are 0 and 1 in floating point"


@pytest.mark.parametrize(
    ("end", "options", "line"),
    [
        (nn.Sigmoid(), {}, "all lie between 0 and 1 on two pictures; state activation=sigmoid and output=prob"),
        (nn.Sigmoid(), {"output": "logits"}, ""),
        (nn.Softmax(1), {}, "sum to 1 on two pictures, as those of a softmax do; give the network without it"),
        (nn.Identity(), {}, ""),
    ],
)
def test_a_network_that_may_put_out_probabilities_gets_a_line(
    end: nn.Module, options: dict[str, str], line: str
) -> None:
    """They were taken for logits without a word; of functions a line was shown before."""
    notes = wrap(nn.Sequential(small(), end), VIEW, name="net", device="cpu", runtime="torch", **options).notes
    notes = [*map(text, notes)]
    assert [line in note for note in notes if "taken for logits" in note] == ([True] if line else [])


@pytest.mark.parametrize("behind", [False, True])
def test_a_network_of_torch_with_one_output_has_two_classes_and_gradients(pixels: Tensor, behind: bool) -> None:
    head = nn.Linear(7, 1)
    nn.init.constant_(head.weight, 3.0)
    nn.init.zeros_(head.bias)
    network = nn.Sequential(small(), head, *((nn.Sigmoid(),) if behind else ())).eval()
    given = {"device": "cpu", "runtime": "torch", "activation": "sigmoid"}
    with pytest.raises(ArgumentError, match="state output=") if behind else nullcontext():
        wrap(network, VIEW, name="net", **given)
    classifier = wrap(network, VIEW, name="net", **given, output="probabilities" if behind else "logits")
    assert classifier.num_classes == 2
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (VIEW.mean, VIEW.std))
    with torch.no_grad():
        wanted = network((pixels - mean) / std)[:, 0]
    found = torch.from_numpy(classifier.logits(pixels)).softmax(1)[:, 1]
    np.testing.assert_allclose(found, wanted if behind else wanted.sigmoid(), rtol=1e-4)
    leaf = pixels.clone().requires_grad_()
    classifier.differentiable(leaf)[:, 1].sum().backward()
    assert float(leaf.grad.abs().sum()) > 0  # type: ignore[union-attr]
    bare = wrap(small(), VIEW, name="net", device="cpu", runtime="torch")
    stated = wrap(small(), VIEW, name="net", **given, output="logits")
    assert (stated.weights_sha256, stated.code_sha256) == (bare.weights_sha256, bare.code_sha256)
    assert stated.spec.options != bare.spec.options, "which is what tells their runs apart"


def test_what_needs_gradients_is_refused_by_name(pixels: Tensor) -> None:
    classifier = wrap(logits, VIEW, name="mine")
    with pytest.raises(ModelError, match="mine is a plain function and has no gradients, so no differentiable"):
        classifier.differentiable(pixels)
    assert classifier.why_no_gradients == "it is a plain function"


def test_code_values_and_a_tag_are_the_identity() -> None:
    one, other = (wrap(Service(factor), VIEW, name="mine").code_sha256 for factor in (1.0, 2.0))
    assert one == wrap(Service(1.0), VIEW, name="mine").code_sha256 != other
    tagged = {wrap(Service(factor), VIEW, name="mine", tag="v3").code_sha256 for factor in (1.0, 2.0)}
    assert len(tagged) == 1
    assert tagged != {wrap(Service(1.0), VIEW, name="mine", tag="v4").code_sha256}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            lambda images: logits(images)[:, 0],
            r"must return numbers of shape \(images, classes\), returned float32 \(2,\)",
        ),
        (lambda images: logits(images)[:1], "must return a row for each of 2 images, returned 1"),
        (lambda images: None, r"returned object \(\)"),
        (lambda images: 1 / 0, "fails on 2 images of 32 x 32 px: ZeroDivisionError"),
        (lambda images: logits(images) * np.nan, "gives logits that are not finite"),
    ],
)
def test_what_goes_wrong_costs_one_line(answer: Any, says: str, pixels: Tensor) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        wrap(answer, VIEW, name="mine").logits(pixels)
    assert "\n" not in str(caught.value)


def test_a_function_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, pixels: Tensor) -> None:
    monkeypatch.setattr(caller, "SECONDS", 0.2)
    never = threading.Event()

    def waiting(images: np.ndarray) -> np.ndarray:
        never.wait()
        return logits(images)

    with pytest.raises(ModelError, match=r"mine has not answered within 0\.2 s; it is given up"):
        wrap(waiting, VIEW, name="mine")
    never.set()


@pytest.mark.slow
def test_a_function_has_one_thread_which_ends_with_its_model(pixels: Tensor) -> None:
    before, held = set(threading.enumerate()), Service(1.0)
    known = weakref.ref(held)
    classifier = wrap(held, VIEW, name="mine")
    classifier.logits(pixels)
    (thread,) = (each for each in set(threading.enumerate()) - before if each.name == "function")
    del classifier, held
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()
    assert known() is None


class Wrapper:
    """A runtime's wrapper as those of TensorRT and TFLite: every answer stands in one buffer."""

    def __init__(self, form: Callable[[np.ndarray], Any]) -> None:
        self.buffer, self.form = np.zeros((64, 1000), np.float32), form

    def __call__(self, images: np.ndarray) -> Any:
        self.buffer[:] = 0
        self.buffer[np.arange(len(images)), images.astype(np.int64).sum((1, 2, 3)) % 1000] = 10
        return self.form(self.buffer[: len(images)])


@pytest.mark.slow
@pytest.mark.parametrize("form", [lambda rows: rows, torch.from_numpy, list, lambda rows: list(torch.from_numpy(rows))])
def test_a_function_may_return_one_buffer_again_and_again(form: Callable[[np.ndarray], Any]) -> None:
    """Two threads ask it: the answer to one batch is not yet read when the next one is computed."""
    wrapper = Wrapper(form)
    classifier = wrap(wrapper, VIEW, name="mine", output="logits")
    draws = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3)).astype(np.uint8)
    right = draws.astype(np.int64).sum((1, 2, 3)) % 1000
    batches = [to_pixels(list(draws[place : place + 2])) for place in range(0, 60, 2)] * 10

    def answers(batch: Tensor) -> np.ndarray:
        return classifier.logits(batch).argmax(1)

    with ThreadPoolExecutor(4) as threads:
        found = np.concatenate(list(threads.map(answers, batches)))
    np.testing.assert_array_equal(found, np.tile(right, 10))


def test_a_device_that_a_function_does_not_get_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = loading.place
    monkeypatch.setattr(loading, "place", lambda *given, **more: replace(usual(*given, **more), device="cuda"))
    classifier = wrap(logits, VIEW, name="mine")
    assert classifier.device == "cpu"
    told = "it is called with images in main memory, and cuda is used where it does so itself"
    assert told in map(text, classifier.notes)


def test_a_mean_is_not_for_a_function() -> None:
    with pytest.raises(ArgumentError, match="mean= is not for mine, which takes images as bytes"):
        wrap(logits, View(36, 32, mean=0.5, std=0.5), name="mine")  # type: ignore[arg-type]


def test_what_a_view_does_not_state_is_refused_or_told(tmp_path: Path) -> None:
    """A function without a view was run at 256 and 224 pixels, and a size without its filter was bilinear unsaid."""
    told = "photographs are resized with the filter bilinear, because none is stated; state interpolation="
    for view, says in (
        (View(36, 32), told),
        (View(36, 32, "bicubic"), ""),
        (View(36, 32, crop_mode="unresized"), ""),
        (View(), r"photographs are resized to 256 px (bilinear) and cropped to 224, as is usual for ImageNet; state"),
    ):
        for made in (wrap(logits, view, name="mine"), wrap(small(), view, name="net", device="cpu", runtime="torch")):
            assert [note[: len(says)] for note in map(text, made.notes)] == [says] * bool(says)
    for view, lacking in ((View(36, interpolation="bicubic"), "crop_px"), (View(crop_px=300), "resize_px")):
        note = text(wrap(logits, view, name="mine").notes[0])
        assert f"padded with black to {view.crop_px}, because {lacking}= is not stated; state both sizes" in note
    assert not wrap(logits, View(36, 40, "bicubic"), name="mine").notes, "both are stated"
    (tmp_path / "own.py").write_text(
        "from hardiness import View\n"
        "def answer(images):\n    return images.reshape(len(images), -1)[:, :7].astype('float32')\n"
        "def viewed():\n    return answer, View(36, 32)\n"
    )
    with pytest.raises(ArgumentError, match=r"own\.py:answer takes images as bytes .* state resize_px=…,crop_px=… or"):
        load(f"py:{tmp_path}/own.py:answer", device="cpu")
    for name, says in (
        ("answer:resize_px=36,crop_px=32", told),
        ("answer:resize_px=36,crop_px=32,interpolation=bicubic", ""),
        ("viewed", told),
        ("viewed:interpolation=bicubic", ""),
    ):
        notes = map(text, load(f"py:{tmp_path}/own.py:{name}", device="cpu").notes)
        assert [note[: len(says)] for note in notes] == [says] * bool(says), name


@pytest.mark.parametrize(
    ("view", "says"),
    [
        (
            View(36, 32, mean=127.5, std=127.5),
            r"mean=127\.5/127\.5/127\.5 .* of pixels from 0 to 255, and its ",
        ),
        (View(36, 32, mean=0, std=58.4), r"std=58\.4.* of pixels from 0 to 255, .* state range=0\.\.255, or"),
        (
            View(36, 32, range="0..255"),
            r"mean=0\.485.* of pixels from 0 to 1, and its range is 0\.\.255: leave",
        ),
    ],
)  # type: ignore[misc]
def test_numbers_of_another_range_are_refused(view: View, says: str) -> None:
    """A network that wants 127.5 of 0..255 and was fed 0..1 with it was right by chance, without a word."""
    with pytest.raises(ArgumentError, match=f"net: .*{says}"):
        wrap(small(), view, name="net", device="cpu", runtime="torch")
    for fine in (View(36, 32, mean=127.5, std=127.5, range="0..255"), View(36, 32, mean=0, std=1, range="0..255")):  # type: ignore[arg-type]
        wrap(small(), fine, name="net", device="cpu", runtime="torch")


@pytest.fixture
def service() -> Iterator[str]:
    """An HTTP service on this machine that classifies: bytes and a shape in, JSON out."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the library calls
            shape = tuple(map(int, self.headers["X-Shape"].split(",")))
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps(shares(np.frombuffer(body, np.uint8).reshape(shape)).tolist()).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


CLIENT = """
import json
import urllib.request

def classify(images):
    request = urllib.request.Request("{url}", images.tobytes(), {{"X-Shape": ",".join(map(str, images.shape))}})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
"""


def test_a_service_is_a_model_by_its_client(service: str, images: np.ndarray, pixels: Tensor, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(CLIENT.format(url=service))
    classifier = load(f"py:{tmp_path}/client.py:classify:resize_px=36,crop_px=32,tag=v3", device="cpu")
    np.testing.assert_allclose(classifier.logits(pixels), np.log(shares(images)), atol=1e-5)
    assert classifier.outputs == "probabilities"


def test_a_service_that_is_down_costs_one_line(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(CLIENT.format(url="http://127.0.0.1:9"))
    with pytest.raises(ModelError, match=r"client\.py:classify fails on 2 images of 32 x 32 px: URLError"):
        load(f"py:{tmp_path}/client.py:classify:resize_px=36,crop_px=32", device="cpu")


def small() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 7)
        return nn.Sequential(*layers).eval()


def scripted() -> Any:
    return torch.jit.trace(small(), torch.zeros(2, 3, 32, 32))


def exported_program() -> Any:
    batch = torch.export.Dim("n", min=1, max=1024)
    return torch.export.export(small(), (torch.zeros(2, 3, 32, 32),), dynamic_shapes=({0: batch},))


def dynamic() -> Any:
    return torch.ao.quantization.quantize_dynamic(small(), {nn.Linear}, dtype=torch.qint8)


def by_fx() -> Any:
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    example = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 4 - 2
    prepared = prepare_fx(small(), get_default_qconfig_mapping("x86"), (example,))
    prepared(example)
    return convert_fx(prepared)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("made", "kind", "apart"),
    [
        (scripted, "is TorchScript", 1e-4),
        (exported_program, "is a program of torch.export", 1e-4),
        (lambda: exported_program().module(), "is a program of torch.export", 1e-4),
        (dynamic, "is an int8 network of torch", 0.1),
        (by_fx, "is an int8 network of torch", 0.3),
    ],
)
def test_torch_s_own_deployed_forms(made: Callable[[], Any], kind: str, apart: float, pixels: Tensor) -> None:
    classifier = wrap(made(), VIEW, name="mine", device="cpu")
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (VIEW.mean, VIEW.std))
    with torch.no_grad():
        expected = small()((pixels - mean) / std).numpy()
    assert np.abs(classifier.logits(pixels) - expected).max() < apart
    assert classifier.why_no_gradients == f"it {kind}"
    assert wrap(made(), VIEW, name="mine", device="cpu").code_sha256 == classifier.code_sha256
    with pytest.raises(ArgumentError, match=r"needs view=hardiness\.View"):
        wrap(made(), None, name="mine")


def test_a_model_of_maite_is_called_by_its_protocol(images: np.ndarray, pixels: Tensor) -> None:
    class Model:
        # Keys out of JSON are texts, and 10 goes before 2 among these.
        metadata = {"id": "seven", "index2label": {str(index): f"class {index}" for index in range(12)}}  # noqa: RUF012

        def __call__(self, batch: Any) -> list[np.ndarray]:
            assert batch[0].shape == (3, 32, 32)
            found = shares(np.stack([each.transpose(1, 2, 0) for each in batch]))
            return list(np.concatenate([found, np.full((len(found), 5), 1e-9)], axis=1))

    classifier = wrap(Model(), VIEW, name="mine")
    assert classifier.spec.class_names == tuple(f"class {index}" for index in range(12))
    np.testing.assert_allclose(classifier.logits(pixels)[:, :7], np.log(shares(images)), atol=1e-5)


class Four:
    """A function that names its classes, in no order of the alphabet."""

    class_names = ("d", "a", "c", "b")

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1)[:, :4].astype("float32")


BORDERED = View(36, 32, "bicubic", "border")


def test_a_function_that_a_builder_hands_over_is_the_model_that_wrap_makes(tmp_path: Path) -> None:
    """The builder's spec went before the one with the function's class names, so that its classes were taken for those
    of the data in alphabetical order; and photographs were padded with a mean that nobody subtracts."""
    made = "def own():\n    return Four(), hardiness.View(36, 32, 'bicubic', 'border')\n"
    (tmp_path / "four.py").write_text(f"import hardiness\nimport numpy as np\n{inspect.getsource(Four)}{made}")
    wrapped = wrap(Four(), BORDERED, name="mine")
    loaded = load(f"py:{tmp_path}/four.py:own", device="cpu")
    assert loaded.spec.class_names == wrapped.spec.class_names == ("d", "a", "c", "b")
    assert loaded.spec.view == wrapped.spec.view
    assert loaded.spec.view.canvas.fill == (0, 0, 0)
    assert (loaded.num_classes, loaded.outputs_sha256) == (4, wrapped.outputs_sha256)
    ordered = load(f"py:{tmp_path}/four.py:own:class_order=own", device="cpu")
    assert ordered.spec.class_names == wrapped.spec.class_names
    with pytest.raises(ArgumentError, match="class_order=wnid needs 1000 outputs"):
        load(f"py:{tmp_path}/four.py:own:class_order=wnid", device="cpu")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Loads ``shop:four`` with what is typed after it, built by a scheme of a stranger that states what is given."""
    module = types.ModuleType("stranger_s_shop")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    scheme = Scheme("shop:NAME", "a shop", lambda name, options: ModelSpec(f"shop:{name}", "stranger_s_shop:build"))
    schemes.get("onnx")  # what ships is registered first
    monkeypatch.setitem(schemes._entries, "shop", (scheme, __name__))

    def loaded(typed: str = "", *, function: Any = None, outputs: str = "", **stated: Any) -> Classifier:
        def build(spec: ModelSpec) -> BuilderResult:
            completed = replace(spec, **{"view": BORDERED, "num_classes": 0, **stated})
            return BuilderResult(PlainFunction(Four(), **(function or {})), spec=completed, code="", outputs=outputs)

        vars(module)["build"] = build
        return load(f"shop:four{typed}", device="cpu")

    return loaded


def test_notes_of_a_builder_are_facts() -> None:
    """A line of English became a fact without a code of its own."""
    note = Fact("shop.old", {"year": 2019})
    assert BuilderResult(None, notes=(note,)).notes == (note,)
    with pytest.raises(ModelError, match="notes of a BuilderResult must be facts, and one is 'it is old'"):
        BuilderResult(None, notes=("it is old",))  # type: ignore[arg-type]


def test_what_a_builder_states_counts_where_the_object_is_silent(shop: Callable[..., Any]) -> None:
    assert shop().spec.class_names == ("d", "a", "c", "b")
    assert shop(num_classes=4).num_classes == 4
    assert shop(class_names=Four.class_names).spec.class_names == Four.class_names
    assert shop(":input_px=32").spec.input_px == 32
    assert shop(":resize_px=40", view=View(40, 32)).spec.view.resize_px == 40
    for made in ({"function": {"outputs": "probabilities"}}, {"outputs": "probabilities"}):
        stated = shop(**made)
        assert (stated.outputs, dict(stated.spec.options)) == ("probabilities", {"output": "probabilities"}), made
    sigmoid = shop(function={"sigmoid": True, "outputs": "probabilities"})
    assert dict(sigmoid.spec.options) == {"output": "probabilities", "activation": "sigmoid"}


@pytest.mark.parametrize(
    ("typed", "stated", "says"),
    [
        ("", {"class_names": ("a", "b", "c", "d")}, r"class_names=\('a', 'b', .* builder and class_names=\('d', 'a', "),
        (":crop_px=24", {}, "shop:four has crop_px=32 by its builder and crop_px=24 asked for; leave one out"),
        (":input_px=24", {"input_px": 32}, "has input_px=32 by its builder and input_px=24 asked for"),
        ("", {"view": View(36, 32, mean=0.5, std=0.5)}, "mean= is not for shop:four, which takes images as bytes"),
        (":mean=0.5,std=0.5", {}, r"has mean=\(0.485, .* by its builder and mean=\(0.5, .* asked for"),
        (
            "",
            {"num_classes": 1000},
            "must have 1,000 classes, has 4; num_classes=0 in its spec takes as many as it has",
        ),
        (
            "",
            {"function": {"outputs": "probabilities"}, "options": (("output", "logits"),)},
            "output=probabilities by its builder and output=logits",
        ),
    ],
)  # type: ignore[misc]
def test_what_a_builder_and_another_state_differently_is_refused(
    shop: Callable[..., Any], typed: str, stated: dict[str, Any], says: str
) -> None:
    with pytest.raises((ArgumentError, ModelError), match=says) as caught:
        shop(typed, **stated)
    assert "\n" not in str(caught.value)


def thousand(images: np.ndarray) -> np.ndarray:
    return corners(images) @ np.random.default_rng(1).normal(size=(12, 1000))


def test_evaluate_takes_a_function(tmp_path: Path) -> None:
    options = {"limit": 4, "device": "cpu", "progress": False, "out": tmp_path / "out", "view": VIEW}
    result = hardiness.evaluate(thousand, "imagenet-val", "embedded", tag="v1", **options)
    assert result.counts.evaluated == 4
    assert result.model.startswith("thousand-")
    again = hardiness.evaluate(thousand, "imagenet-val", "embedded", tag="v2", **options)
    assert again.key != result.key
    with pytest.raises(ArgumentError, match=r"thousand takes images as bytes and needs view=hardiness.View\("):
        hardiness.evaluate(thousand, "imagenet-val", "embedded", **{**options, "view": None})
    with pytest.raises(ModelError, match=r"thousand-\w+ has no gradients \(it is a plain function\)"):
        hardiness.evaluate(thousand, "whitebox", "embedded", tag="v1", **options)
