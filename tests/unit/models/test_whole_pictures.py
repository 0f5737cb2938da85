"""Functions that take the file, or the picture at its own size: what they are given, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from PIL import Image

import hardiness
from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import Expansion, Item
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, ModelError, SampleError
from hardiness.core.model import CANVAS_224, View, WholePicture
from hardiness.data.root import locate
from hardiness.distortions.apply import corrupt
from hardiness.engine import whole_pictures
from hardiness.engine.batch import QueuedPicture
from hardiness.engine.pictures import PictureSource
from hardiness.engine.protocol_noise import variations
from hardiness.engine.whole_pictures import batch_length, whole_expansions
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load, wrap
from hardiness.models.naming import resolve
from hardiness.models.whole_pictures import MOST_PIXELS, encoded
from hardiness.report.words import text
from hardiness.sources.files import DiskFile

WEIGHTS = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)
SIDE = 32
FOG = "own-c:corruptions=fog,severities=3"


def answer(small: Any) -> np.ndarray:
    """Logits of three classes for a picture of 32 x 32 pixels."""
    parts = np.asarray(small, np.float32).reshape(4, 8, 4, 8, 3).mean((1, 3)) / 255 - 0.5
    return np.asarray(20 * parts.reshape(48) @ WEIGHTS)


def by_pillow(files: list[bytes]) -> np.ndarray:
    pictures = [
        Image.open(io.BytesIO(file)).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR) for file in files
    ]
    return np.stack([answer(picture) for picture in pictures])


def by_opencv(files: list[bytes]) -> np.ndarray:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pictures = [cv2.imdecode(np.frombuffer(file, np.uint8), flags)[:, :, ::-1] for file in files]
    return np.stack([answer(cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)) for each in pictures])


def of_pictures(pictures: list[np.ndarray]) -> np.ndarray:
    return by_pillow([_png(picture) for picture in pictures])


def _png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def photos(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photographs in three classes, one of them held upright by its camera, and one of 20 x 30 pixels."""
    folder = tmp_path_factory.mktemp("whole") / "photos"
    for number, path in enumerate(photographs[:6]):
        (folder / "abc"[number % 3]).mkdir(parents=True, exist_ok=True)
        (folder / "abc"[number % 3] / f"{number}.jpg").write_bytes(path.read_bytes())
    turned = Image.Exif()
    turned[0x0112] = 6
    with Image.open(photographs[6]) as picture:
        picture.convert("RGB").save(folder / "a" / "turned.jpg", exif=turned)
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(folder / "b" / "small.png")
    return folder


class Watched:
    """A function that remembers what it was called with."""

    def __init__(self, function: Callable[[list[Any]], np.ndarray]) -> None:
        self.function, self.batches = function, list[list[Any]]()

    def __call__(self, batch: list[Any]) -> np.ndarray:
        self.batches.append(batch)
        return self.function(batch)

    @property
    def seen(self) -> list[Any]:
        return [each for batch in self.batches for each in batch]


def run(function: Any, benchmark: str, photos: Path, **stated: Any) -> Any:
    return hardiness.evaluate(function, benchmark, photos, name="mine", tag="1", progress=False, **stated)


def read(file: bytes) -> tuple[np.ndarray, int]:
    """The pixels of a file, and how it says that they are to be turned."""
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB")), picture.getexif().get(0x0112, 1)


@pytest.mark.slow
def test_the_file_goes_in_as_it_is_and_a_corrupted_one_as_png(photos: Path) -> None:
    """The clean bytes are the file's, the corrupted pixels are those of `corrupt` at the photograph's own size."""
    watched = Watched(by_pillow)
    result = run(watched, FOG, photos, takes="encoded")
    assert all(isinstance(batch, list) for batch in watched.batches)
    files = {path.relative_to(photos).with_suffix("").as_posix(): path.read_bytes() for path in photos.rglob("*.*")}
    assert set(files.values()) <= set(watched.seen)
    probes = {file for file in watched.seen if read(file)[0].shape in ((240, 320, 3), (400, 300, 3))}
    corrupted = [read(file) for file in set(watched.seen) - set(files.values()) - probes]
    assert all(file.startswith(b"\x89PNG") for file in set(watched.seen) - set(files.values()))
    for name in files.keys() - {"b/small"}:
        expected = corrupt(read(files[name])[0], "fog", 3, id=name)
        (turned,) = [turned for pixels, turned in corrupted if np.array_equal(pixels, expected)]
        assert turned == (6 if name == "a/turned" else 1)  # as the camera said of the file
    assert len(corrupted) == 7
    # A picture of 20 x 30 px is too small to be corrupted, and costs nothing else.
    counts = result.counts
    assert (counts.evaluated, counts.failed, counts.images) == (7, 1, 8)
    (line,) = [line for line in result.failures if "b/small" in str(line)]
    assert "b/small.png: image must have sides of 32 pixels or more, was 20x30" in str(line)


@pytest.mark.slow
def test_the_picture_goes_in_at_its_own_size(photos: Path) -> None:
    watched = Watched(of_pictures)
    result = run(watched, "own", photos, takes="full")
    sizes = {read(path.read_bytes())[0].shape for path in photos.rglob("*.*")}
    assert {each.shape for each in watched.seen} == sizes | {(240, 320, 3), (400, 300, 3)}
    assert {each.dtype for each in watched.seen} == {np.dtype(np.uint8)}
    assert (result.run.input.canvas, result.run.model.options["takes"]) == ("whole", "full")


@pytest.mark.slow
def test_jpeg_is_asked_for_by_its_quality_and_is_another_run(photos: Path) -> None:
    watched = Watched(by_pillow)
    lossless, lossy = (run(watched, FOG, photos, takes="encoded", **given) for given in ({}, {"jpeg": 40}))
    assert lossless.key != lossy.key
    assert sum(file.startswith(b"\xff\xd8") and read(file)[0].shape[0] == 240 for file in watched.seen) >= 1  # a probe
    assert dict(lossy.run.model.options)["jpeg"] == "40"


@pytest.mark.slow
def test_another_resize_changes_the_answers(photos: Path) -> None:
    """The fault that no picture of a canvas can show: the same files, the same weights, two libraries' bilinear."""
    log_losses = []
    for function in (by_pillow, by_opencv):
        result = run(function, "own", photos, takes="encoded")
        log_losses.append(result.score("nll").value)
    assert abs(log_losses[0] - log_losses[1]) > 0.01


@pytest.mark.slow
def test_own_c_has_no_mce_beside_a_baseline(photos: Path, tmp_path: Path) -> None:
    """Of pictures at their own size the mean error is no mCE, and nobody else's errors are divided by theirs."""
    out = tmp_path / "out"
    for name, stated in {"whole": {"takes": "full"}, "canvas": {"view": View(256, 224, "bilinear")}}.items():
        function = of_pictures if name == "whole" else lambda images: of_pictures(list(images))
        hardiness.evaluate(function, FOG, photos, name=name, tag="1", out=out, progress=False, **stated)
    metrics = {
        each.model: {score.metric for score in each.scores} for each in hardiness.load_results(out, baseline="canvas")
    }
    assert any("mce" in metric.lower() for metric in metrics["canvas"])
    assert not any("mce" in metric.lower() for metric in metrics["whole"])
    (comparison,) = hardiness.compare(out)
    assert any(
        "whole: corrupted at the pictures' own size, and canvas on a canvas" in note
        for note in map(text, comparison.notes)
    )
    with pytest.raises(ArgumentError, match="--baseline whole: must be a model with a stored run to divide by"):
        hardiness.load_results(out, baseline="whole")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("benchmark", "why"),
    [
        ("whitebox", "which attacks the pixels that a network sees"),
        ("imagenet-p", "whose sequences were published as frames of one size"),
        ("imagenet-c", "whose corruptions are defined on pictures of 224 px, as they were published"),
        ("own-c-bar", "whose corruptions are defined on pictures of 224 px, as they were published"),
        ("shift-consistency", "whose pictures are defined on a canvas of one size"),
    ],
)
def test_other_benchmarks_are_refused_by_name(benchmark: str, why: str, photos: Path) -> None:
    with pytest.raises(ModelError) as refusal:
        run(of_pictures, benchmark, photos, takes="full")
    assert str(refusal.value) == (
        f"mine takes pictures at their own size (takes=) and cannot be evaluated on {benchmark}, {why}: what serves is "
        "own (your pictures as they are), imagenet-val, and own-c (corrupted at their own size); or leave takes= out"
    )


def test_what_is_stated_beside_it_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="a view is not for mine, which takes pictures at their own size"):
        wrap(of_pictures, View(36, 32), name="mine", takes="full")
    with pytest.raises(ArgumentError, match="jpeg= of mine goes with takes=encoded: takes=full gets decoded pictures"):
        wrap(of_pictures, None, name="mine", takes="full", jpeg=90)
    with pytest.raises(ArgumentError, match="jpeg= of mine must be a whole number from 1 to 100, was '101'"):
        wrap(by_pillow, None, name="mine", takes="encoded", jpeg=101)
    with pytest.raises(ArgumentError, match="unknown takes of mine 'file'; known: encoded, full"):
        wrap(by_pillow, None, name="mine", takes="file")
    file = tmp_path / "net.py"
    file.write_text("def net(files):\n    return [[1.0, 2.0] for _ in files]\n")
    with pytest.raises(ArgumentError, match=r"crop_px= is not for py:.*which takes pictures at their own size"):
        load(f"py:{file}:net:takes=full,crop_px=224")
    with pytest.raises(ArgumentError, match=r"jpeg= of py:.* goes with takes=encoded; add that or leave it out"):
        resolve(f"py:{file}:net:jpeg=90")
    with pytest.raises(ArgumentError, match=r"takes= is for functions and services .*efficientnet_lite0 is neither"):
        resolve("efficientnet_lite0:takes=full")
    with pytest.raises(ArgumentError, match="takes= is not for chat:m, whose questions go with pictures of one size"):
        resolve("chat:m:base=http://localhost:1,takes=full")


def test_answers_that_depend_on_company_are_refused() -> None:
    def padded(pictures: list[np.ndarray]) -> np.ndarray:
        most = max(picture.size for picture in pictures)
        return np.array([[picture.sum() / most, 0.0] for picture in pictures])

    with pytest.raises(ModelError, match="mine answers otherwise for a picture alone than beside others"):
        wrap(padded, None, name="mine", takes="full")


def test_a_function_may_write_into_its_pictures() -> None:
    def halved(pictures: list[np.ndarray]) -> np.ndarray:
        for picture in pictures:
            picture //= 2
        return np.array([[picture.mean(), 0.0] for picture in pictures])

    photograph = np.full((40, 30, 3), 200, np.uint8)
    model: Any = wrap(halved, None, name="mine", takes="full")
    for _ in range(2):
        assert model.answers([photograph])[0].tolist() == [100.0, 0.0]
    assert photograph.min() == 200


@pytest.mark.slow
def test_a_page_shows_what_was_corrupted_at_its_own_size(photos: Path) -> None:
    """Shown on a canvas, as all pictures are, and corrupted before that."""
    result = run(of_pictures, FOG, photos, takes="full", limit=3)
    source = PictureSource(lambda _: locate([f"own={photos}"]), [])
    corrupted = corrupt(read((photos / "a" / "0.jpg").read_bytes())[0], "fog", 3, id="a/0")
    shown = source(result, "a/0", Condition(corruption="fog", severity=3))
    np.testing.assert_array_equal(shown, on_canvas(corrupted, CANVAS_224))


def test_noise_of_a_protocol_varies_no_resize_of_ours() -> None:
    """The function resizes its pictures itself, whatever library we would take."""
    names = [each.factor for each in variations(parse("own"), wrap(of_pictures, None, name="mine", takes="full"), 32)]
    assert names == ["batch size"]
    on_canvas = wrap(lambda images: of_pictures(list(images)), View(36, 32), name="mine", tag="1")
    assert [each.factor for each in variations(parse("own"), on_canvas, 32)] == ["resize", "resize", "batch size"]


def test_a_call_has_at_most_64_megapixels() -> None:
    def waiting(*sizes: int) -> list[QueuedPicture]:
        return [
            QueuedPicture(str(k), (0,), 0, 0, np.zeros((1, 1, 3), np.uint8), (), size) for k, size in enumerate(sizes)
        ]

    half, third = MOST_PIXELS // 2, MOST_PIXELS // 3
    assert batch_length(waiting(half, half, 1), 32, flush=False) == 2
    assert batch_length(waiting(third, half, half), 32, flush=True) == 2
    assert batch_length(waiting(half, third), 32, flush=False) == 0
    assert batch_length(waiting(half, third), 32, flush=True) == 2
    assert batch_length(waiting(MOST_PIXELS, MOST_PIXELS), 32, flush=False) == 1
    assert batch_length(waiting(0, 0, 0), 2, flush=False) == 2  # on a canvas pictures are counted alone


def test_a_picture_larger_than_a_call_and_a_damaged_one_fail_alone(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_pictures, "MOST_PIXELS", 700)
    small, large = (
        Item(path.stem, 0, DiskFile(str(path))) for path in (photos / "b" / "small.png", photos / "a" / "0.jpg")
    )
    own, forms = parse("own"), [WholePicture(encoded=True)]
    (picture,) = whole_expansions(own, small, [Condition()], forms, 0)
    assert isinstance(picture, Expansion)
    assert (picture.size_px, picture.images[0].tobytes()) == (600, (photos / "b" / "small.png").read_bytes())
    with pytest.raises(SampleError, match=r"0.jpg: must have at most 700 pixels, all that a call takes, has .* scale"):
        list(whole_expansions(own, large, [Condition()], forms, 0))
    cut = photos.parent / "cut.jpg"
    cut.write_bytes((photos / "a" / "0.jpg").read_bytes()[:3000])
    with pytest.raises(SampleError, match=r"cut.jpg: must be a whole"):
        list(whole_expansions(own, Item("cut", 0, DiskFile(str(cut))), [Condition()], forms, 0))


def test_a_turned_picture_stays_turned_as_jpeg() -> None:
    turned, stream = Image.Exif(), io.BytesIO()
    turned[0x0112] = 8
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(stream, "JPEG", exif=turned)
    pixels = np.full((40, 60, 3), 200, np.uint8)
    assert read(encoded(pixels, WholePicture(encoded=True, jpeg_quality=90), stream.getvalue()))[1] == 8
    assert read(encoded(pixels, WholePicture(encoded=True), b"no picture"))[1] == 1


class Handler(BaseHTTPRequestHandler):
    """A service that speaks the protocol of TensorFlow Serving; what it was sent is kept."""

    sent: ClassVar[list[dict[str, Any]]] = []
    keys: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.sent.append(body)
        self.keys.append(self.headers.get("Authorization", ""))
        files = [base64.b64decode(each["b64"]) for each in body["instances"]]
        status, reply = 200, {"predictions": by_pillow(files).tolist()}
        if self.path == "/broken":
            status, reply = 503, {"error": "no model is loaded"}
        if self.path == "/other":
            reply = {"outputs": []}
        if self.path == "/percent":
            reply = {"predictions": [[34.1, 33.0, 32.9]] * len(files)}
        content = json.dumps(reply).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    Handler.sent.clear()
    Handler.keys.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_a_service_gets_files_in_base64(service: str, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The body is that of TensorFlow Serving's predict API; what answers there counts by its tag."""
    monkeypatch.setenv("SERVICE_KEY", "a-secret-of-many-letters")
    address = f"{service}/v1/models/net:predict:takes=encoded,tag=v3,key_env=SERVICE_KEY"
    result = hardiness.evaluate(address, "own", photos, progress=False)
    own = run(by_pillow, "own", photos, takes="encoded")
    assert result.score("top1").value == own.score("top1").value
    assert result.score("nll").value == pytest.approx(own.score("nll").value, rel=1e-5)
    sent = {base64.b64decode(each["b64"]) for body in Handler.sent for each in body["instances"]}
    assert {path.read_bytes() for path in photos.rglob("*.*")} <= sent
    assert {frozenset(body) for body in Handler.sent} == {frozenset({"instances"})}
    assert set(Handler.keys) == {"Bearer a-secret-of-many-letters"}
    assert result.run.model.name == f"{service}/v1/models/net:predict"
    assert "a-secret" not in result.run.canonical()


def test_what_a_service_does_wrong_is_said(service: str) -> None:
    for path, message in {
        "/broken": 'answers with HTTP status 503: {"error": "no model is loaded"}',
        "/other": 'must answer with JSON {"predictions": [[number, …], …]}, a row for each picture; answered',
    }.items():
        with pytest.raises(ModelError) as error:
            load(f"{service}{path}:takes=full")
        assert message in str(error.value)
    with pytest.raises(ArgumentError, match="/percent puts out probabilities in percent on two pictures"):
        load(f"{service}/percent:takes=full")
    with pytest.raises(ModelError, match=r"cannot be asked: .*refused"):
        load("http://127.0.0.1:9:takes=full")
    with pytest.raises(ArgumentError, match="does not say how photographs are brought to its size"):
        load(f"{service}/net")
    with pytest.raises(ArgumentError, match="the address of a service must hold no name and password"):
        resolve("http://me:secret@localhost:takes=full")


def test_a_service_without_takes_gets_its_canvas_as_png(service: str) -> None:
    classifier = load(f"{service}/net:resize_px=36,crop_px=32")
    assert classifier.num_classes == 3
    assert {read(base64.b64decode(each["b64"]))[0].shape for body in Handler.sent for each in body["instances"]} == {
        (32, 32, 3)
    }
    assert classifier.code_sha256
