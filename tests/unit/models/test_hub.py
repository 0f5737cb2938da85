"""What libraries take from the hub's cache is what the hub published, or the model is not used."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from hardiness.core.errors import DataError
from hardiness.models import hub
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.report.words import text
from hardiness.sources import hub_cache
from hardiness.sources.tables import from_hub

COMMIT = "c" * 40
TIMM = "test_resnet.r160_in1k"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty, and nothing may be downloaded."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def hash_of(name: str, content: bytes) -> str:
    """How the hub calls it: as Git LFS does, or as Git does."""
    if name.endswith((".safetensors", ".bin", ".parquet")):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def keep(folder: Path, repository: str, files: dict[str, bytes], kind: str = "models", links: bool = True) -> Path:
    """Puts files into the cache as the hub's library does; gives the folder of the snapshot."""
    home = folder / f"{kind}--{repository.replace('/', '--')}"
    snapshot = home / "snapshots" / COMMIT
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    (home / "blobs").mkdir()
    for name, content in files.items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        if links:
            blob = home / "blobs" / hash_of(name, content)
            blob.write_bytes(content)
            (snapshot / name).symlink_to(os.path.relpath(blob, (snapshot / name).parent))
        else:
            (snapshot / name).write_bytes(content)
    return snapshot


def timm_weights(seed: int) -> bytes:
    import timm
    from safetensors.torch import save

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return save(timm.create_model("test_resnet", pretrained=False).state_dict())


def test_files_are_held_against_their_names_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = keep(folder, "org/net", {"model.safetensors": b"weights", "sub/config.json": b"{}"})
    notes = ["2 files of org/net checked against the hub's hashes"]
    assert [*map(text, hub_cache.check_hub_files("org/net", "m"))] == notes
    with monkeypatch.context() as patch:
        patch.setattr(hub_cache.hashlib, "sha256", None)  # nobody reads them again
        patch.setattr(hub_cache.hashlib, "sha1", None)
        assert [*map(text, hub_cache.check_hub_files("org/net", "m"))] == notes
    for name in ("model.safetensors", "sub/config.json"):
        file = snapshot / name
        sound, before = file.read_bytes(), file.stat()
        file.write_bytes(bytes(len(sound)))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(DataError) as told:
            hub_cache.check_hub_files("org/net", "m")
        assert str(told.value).startswith(f"m: {file.name} is not what was published: {file.resolve()} must have the ")
        assert "remove that file" in str(told.value)
        file.write_bytes(sound)
    assert [*map(text, hub_cache.check_hub_files("org/net", "m"))] == notes


def test_what_has_no_hash_is_named(folder: Path) -> None:
    keep(folder, "org/copies", {"model.safetensors": b"weights", "config.json": b"{}"}, links=False)
    (note,) = hub_cache.check_hub_files("org/copies", "m")
    assert text(note).startswith("config.json, model.safetensors of org/copies not checked: ")
    (note,) = hub_cache.check_hub_files("org/elsewhere", "m")
    assert text(note) == f"its files were not checked: there are none of org/elsewhere in {folder}"
    assert hub_cache.check_hub_files(str(folder), "m") == ()


def test_a_file_of_torch_s_cache_is_held_against_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    digest = hashlib.sha256(b"weights").hexdigest()[:8]
    for name, content, says in (
        (f"net-{digest}.pth", b"weights", "was checked"),
        (f"other-{digest}.pth", b"others", None),
        ("plain.pth", b"weights", "was not checked"),
    ):
        (tmp_path / "checkpoints" / name).write_bytes(content)
        if says is None:
            with pytest.raises(DataError, match=f"must have the SHA-256 {digest}, has"):
                hub.need_url(f"https://example.org/{name}", "m")
        else:
            (note,) = hub.check_torch_file(f"https://example.org/{name}", "m")
            assert says in text(note)
    assert hub.check_torch_file("https://example.org/absent-01234567.pth", "m") == ()


def test_a_data_set_in_the_cache_is_held_against_its_hashes(folder: Path) -> None:
    snapshot = keep(folder, "org/pictures", {"data/test-00000-of-00001.parquet": b"rows"}, "datasets")
    assert from_hub("hf:org/pictures", "test") == snapshot
    (snapshot / "data/test-00000-of-00001.parquet").write_bytes(b"ROWS")
    with pytest.raises(DataError, match=r"hf:org/pictures: test-00000-of-00001\.parquet is not what was published"):
        from_hub("hf:org/pictures", "test")


@pytest.mark.slow
def test_other_weights_of_timm_are_not_used(folder: Path) -> None:
    pytest.importorskip("timm")
    snapshot = keep(folder, f"timm/{TIMM}", {"model.safetensors": timm_weights(0)})
    found = load(f"timm:{TIMM}", device="cpu")
    assert tuple(map(text, found.notes)) == (f"1 file of timm/{TIMM} checked against the hub's hashes",)
    (snapshot / "model.safetensors").write_bytes(timm_weights(1))
    with pytest.raises(DataError, match=rf"^timm:{TIMM}: model\.safetensors is not what was published"):
        load(f"timm:{TIMM}", device="cpu")
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").write_bytes(timm_weights(1))  # a copy, as where there are no links
    (note,) = map(text, load(f"timm:{TIMM}", device="cpu").notes)
    assert f"model.safetensors of timm/{TIMM} not checked" in note


@pytest.mark.slow
def test_other_files_of_transformers_are_not_used(
    folder: Path, saved: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(saved(["rose", "tulip", "daisy"]).removeprefix("hf:"))
    files = {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()}
    snapshot = keep(folder, "org/flowers", files)
    monkeypatch.chdir(folder)
    (note,) = map(text, load("hf:org/flowers", device="cpu", runtime="torch").notes)
    assert note.startswith(f"{len(files)} files of org/flowers")
    (snapshot / "preprocessor_config.json").write_text(files["preprocessor_config.json"].decode().replace("0.4", "0.5"))
    with pytest.raises(DataError, match=r"hf:org/flowers: preprocessor_config\.json .* must have the Git's SHA-1"):
        resolve("hf:org/flowers")
    (snapshot / "preprocessor_config.json").write_bytes(files["preprocessor_config.json"])
    weights = files["model.safetensors"]
    (snapshot / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(DataError, match=r"hf:org/flowers: model\.safetensors .* must have the SHA-256"):
        load("hf:org/flowers", device="cpu", runtime="torch")


@pytest.mark.slow
def test_other_weights_and_tokenisers_of_open_clip_are_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_clip = pytest.importorskip("open_clip")
    config = {**open_clip.get_model_config("ViT-B-16-SigLIP"), "vision_cfg": {"image_size": 224}}
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: config)
    published = {"hf_hub": "org/siglip/"}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: published)
    monkeypatch.setattr(open_clip, "create_model", None)  # not even called
    tokeniser = config["text_cfg"]["hf_tokenizer_name"]
    weights = keep(folder, "org/siglip", {"open_clip_model.safetensors": b"weights"})
    words = keep(folder, tokeniser, {"tokenizer.json": b"{}"})
    for file in (weights / "open_clip_model.safetensors", words / "tokenizer.json"):
        sound = file.read_bytes()
        file.write_bytes(b"others")
        with pytest.raises(DataError, match=f"openclip:ViT-B-16-SigLIP/webli: {file.name} is not what was published"):
            load("openclip:ViT-B-16-SigLIP/webli", device="cpu")
        file.write_bytes(sound)


# A hub on this machine ----------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, tuple[bytes, str]]]]:
    """An address that answers as the hub does, and what it holds: content and published hash, by path."""
    held: dict[str, tuple[bytes, str]] = {}

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            content, published = held.get(self.path, (b"", ""))
            self.send_response(200 if published else 404)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{published}"')
            self.send_header("Content-Length", str(len(content)))
            if not published:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    found = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}", held
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.mark.slow
def test_a_run_refuses_weights_that_the_hub_sends_under_another_hash(
    server: tuple[str, dict[str, tuple[bytes, str]]], tmp_path: Path
) -> None:
    pytest.importorskip("timm")
    address, held = server
    right, wrong = timm_weights(0), timm_weights(1)
    path = f"/timm/{TIMM}/resolve/main/model.safetensors"
    environment = {
        **{key: value for key, value in os.environ.items() if key not in ("HARDINESS_OFFLINE", "HF_HUB_OFFLINE")},
        "HF_ENDPOINT": address,
        "HF_HOME": str(tmp_path / "home"),
        "HARDINESS_CACHE": str(tmp_path / "own"),
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
    }
    held[path] = (wrong, hash_of("model.safetensors", right))
    line = ["run", "-m", f"timm:{TIMM}", "-b", "imagenet-val", "--data", "embedded", "--limit", "2", "--quiet"]
    command = [sys.executable, "-m", "hardiness.cli", *line, "--out", str(tmp_path / "out")]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert told.returncode == 1, told.stderr
    (message,) = [each for each in told.stderr.splitlines() if each.startswith("hardiness: ")]
    assert f"timm:{TIMM}: model.safetensors is not what was published" in message
    assert not list((tmp_path / "out").rglob("*.parquet"))
