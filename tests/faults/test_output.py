"""Output folders and streams that refuse: full, read-only, locked, of the wrong kind, with odd names, with links."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from filelock import FileLock

from hardiness import evaluate, load_results
from hardiness.core.errors import StoreError
from hardiness.reference.classes import wnids
from hardiness.store import local_files, writing

NETWORK = """
import torch

def build():
    generator = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(48, 1000)
    head.weight.data = torch.randn(1000, 48, generator=generator)
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), head)
"""

bound_by_permissions = pytest.mark.skipif(
    os.getuid() == 0 and not shutil.which("setpriv"), reason="permissions do not bind root"
)

Command = Callable[..., Any]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody may enter, with a model and a data root of six photographs."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "network.py").write_text(NETWORK)
    for number in range(6):
        file = folder / "data" / "imagenet" / "val" / wnids()[number] / f"{number}.png"
        file.parent.mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        PIL.Image.fromarray(pixels).resize((64, 64)).save(file)
    yield folder
    subprocess.run(["chmod", "-R", "u+rwX", folder], check=True)
    shutil.rmtree(folder)


def command(place: Path, out: str | Path, *more: str) -> list[str]:
    model = f"py:{place}/network.py:build:resize_px=64,crop_px=64,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
    return ["run", "-m", model, "-b", "imagenet-val", "--data", f"{place}/data", "--out", str(out), "--quiet", *more]


def spawned(*arguments: str | bytes, bound: bool = False, **given: Any) -> subprocess.CompletedProcess[str]:
    """``hardiness ARGUMENTS`` in a process of its own, ``bound`` by permissions as root is not."""
    line = [sys.executable, "-m", "hardiness.cli", *arguments]
    if bound and os.getuid() == 0:
        line = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *line]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **given.pop("env", {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **given}
    return subprocess.run(line, text=True, env=environment, check=False, timeout=300, **pipes)


def one_line(told: str) -> str:
    (line,) = told.splitlines()
    assert line.startswith("hardiness: ")
    return line


def bytes_of(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


# A disk that is full ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.thorough
def test_a_disk_full_at_any_write_keeps_what_is_finished(
    place: Path, hardiness: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    fill_whole = writing.fill

    def fill(path: Path, content: bytes, full_at: int | None = None) -> None:
        written.append(path.name)
        if full_at is not None and len(written) > full_at:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        fill_whole(path, content)

    for module in (writing, local_files):
        monkeypatch.setattr(module, "fill", fill)
    assert hardiness(*command(place, place / "whole")).status == 0
    whole, steps = bytes_of(place / "whole"), len(written)
    assert steps > 8
    out = place / "out"
    out.mkdir()
    (out / "report.html").write_text("former page")
    for full_at in range(steps):
        written.clear()
        for module in (writing, local_files):
            monkeypatch.setattr(module, "fill", lambda path, content, at=full_at: fill(path, content, at))
        told = hardiness(*command(place, out))
        kept = written[full_at].rpartition("-")[2] in ("memo.jsonl", "images.parquet")
        if told.status:  # what is only kept to save time is done without, and the rest is told
            assert "the disk is full" in one_line(told.err)
            assert told.status == (2 if full_at == 0 else 1)
        else:
            assert kept
        assert (out / "report.html").read_text() in ("former page", whole["report.html"].decode())
        assert not [path for path in (out / writing.PARTIAL).glob("*") if path.is_file()]
        if full_at < steps - 1:  # the last is left as it is, and continued below
            shutil.rmtree(out)
            out.mkdir()
            (out / "report.html").write_text("former page")
    monkeypatch.undo()
    assert hardiness(*command(place, out)).status == 0
    shards = [name for name in whole if name.endswith(".parquet") and "scored" not in name]
    assert shards
    assert all((out / name).read_bytes() == whole[name] for name in shards)


def mounted(folder: Path, size: str) -> bool:
    """Whether a file system of that size could be mounted there, which takes a permission that CI may lack."""
    folder.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        return subprocess.run(line, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", ["40k", *(pytest.param(size, marks=pytest.mark.thorough) for size in ("130k", "160k"))]
)
def test_a_small_disk_is_told_in_one_line(place: Path, hardiness: Command, size: str) -> None:
    small = place / "small"
    if not mounted(small, size):
        return  # the test above fills the disk by itself, at each write
    try:
        told = hardiness(*command(place, small / "out"))
        if told.status:
            assert "the disk is full" in one_line(told.err)
        found = bytes_of(small)
        assert not [name for name, content in found.items() if name.endswith(".html") and b"</html>" not in content]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_standard_output_that_is_full_is_told_in_one_line() -> None:
    with open("/dev/full", "w") as full:
        told = spawned("list", "attacks", stdout=full)
    assert told.returncode == 1
    assert "standard output cannot be written: No space left on device" in one_line(told.stderr)


@pytest.mark.parametrize("line", [["list", "attacks"], ["show", "--help"]], ids=["a table", "a help text"])
def test_a_reader_that_leaves_is_nothing_to_tell(line: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    told = spawned(*line, stdout=write)
    os.close(write)
    assert (told.returncode, told.stderr) == (141, "")


@pytest.mark.parametrize("target", ["/dev/full", "/dev/null"])
def test_a_device_is_no_page_and_stays_a_device(place: Path, hardiness: Command, target: str) -> None:
    hardiness(*command(place, place / "out"))
    told = hardiness("report", place / "out", "--out", target, "--no-images")
    assert told.status == 1
    assert f"{target} must be a file that can be replaced" in one_line(told.err)
    assert stat.S_ISCHR(os.stat(target).st_mode)
    assert not Path("/dev/.partial").exists()


# Folders that may not be read or written ----------------------------------------------------------------------------


@pytest.mark.slow
@bound_by_permissions
def test_a_folder_that_may_not_be_written_is_read(place: Path, hardiness: Command) -> None:
    out, elsewhere = place / "out", place / "elsewhere"
    hardiness(*command(place, out))
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    subprocess.run(["chmod", "-R", "a+rX,a-w", out], check=True)
    before = bytes_of(out)
    shown = spawned("show", str(out), bound=True)
    assert shown.returncode == 0, shown.stderr
    assert "imagenet-val" in shown.stdout
    page = spawned("report", str(out), "--out", str(elsewhere), bound=True)
    assert page.returncode == 0, page.stderr
    assert "</html>" in (elsewhere / "report.html").read_text()
    exported = spawned("export", str(out), "--format", "csv", bound=True)
    assert exported.returncode == 0, exported.stderr
    for refused in (["report", str(out)], command(place, out, "--limit", "3")):
        told = spawned(*refused, bound=True)
        assert told.returncode in (1, 2)
        assert "permission denied" in one_line(told.stderr)
    assert bytes_of(out) == before


@pytest.mark.slow
@bound_by_permissions
def test_the_folders_of_another_user_are_one_line(place: Path) -> None:
    (place / "others").mkdir()
    (place / "data").rename(place / "others" / "data")
    (place / "others").chmod(0)  # as one of mode 700 that somebody else owns
    data, out = f"imagenet={place}/others/data/imagenet", str(place / "others")
    model = command(place, out)[2]
    for arguments in (
        ["data", "check", "imagenet", "--data", data],
        ["run", "-m", model, "-b", "imagenet-val", "--data", data, "--out", f"{place}/x"],
        ["run", "-m", model, "-b", "imagenet-val", "--data", "embedded", "--out", out, "--plan"],
        ["show", out],
        ["report", out],
    ):
        told = spawned(*arguments, bound=True)
        assert told.returncode == 2, told.stderr
        line = one_line(told.stderr)
        assert "permission denied" in line.lower()
        assert str(place / "others") in line


@pytest.mark.slow
@bound_by_permissions
def test_a_run_folder_that_may_not_be_read_is_named(place: Path, hardiness: Command) -> None:
    out = place / "out"
    hardiness(*command(place, out))
    (run,) = (out / "records").iterdir()
    run.chmod(0)
    for arguments in (["show", str(out)], ["report", str(out)], command(place, out)):
        told = spawned(*arguments, bound=True)
        assert told.returncode == 1
        line = one_line(told.stderr)
        assert run.name in line
        assert "permission denied" in line


@pytest.mark.slow
@bound_by_permissions
def test_a_home_that_cannot_be_written_is_done_without(place: Path) -> None:
    """Compiled kernels have nowhere to be kept; nothing of it is said, and the pictures are the usual ones."""
    written = place / "written"
    written.mkdir()
    written.chmod(0o777)
    home = {
        "HOME": "/proc",
        "XDG_CACHE_HOME": "/proc",
        "NUMBA_CACHE_DIR": "",
        "HARDINESS_CACHE": "/proc/none",
        "MPLCONFIGDIR": "/proc/none",
    }
    line = [
        "make",
        "corruptions",
        "--format",
        "jpeg",
        f"{place}/data",
        f"{written}/c",
        "--limit",
        "1",
        "--corruptions",
        "glass_blur+spatter",
        "--quiet",
    ]
    told = spawned(*line, "--extra", bound=True, env=home)
    assert told.returncode == 0, told.stderr
    assert "Traceback" not in told.stderr
    assert len(list((written / "c").rglob("*.JPEG"))) == 10
    usual = spawned(*[part.replace(f"{written}/c", f"{written}/d") for part in line], "--extra")
    assert usual.returncode == 0, usual.stderr
    pictures = sorted(path.relative_to(written / "c") for path in (written / "c").rglob("*.JPEG"))
    assert all((written / "c" / path).read_bytes() == (written / "d" / path).read_bytes() for path in pictures)


# A mount without hard links -----------------------------------------------------------------------------------------


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_folder_without_hard_links_gets_the_same_files(
    place: Path, hardiness: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = hardiness(*[part for part in command(place, place / "usual") if part != "--quiet"])
    monkeypatch.setattr(os, "link", no_links)
    told = hardiness(*[part for part in command(place, place / "out") if part != "--quiet"])
    assert (usual.status, told.status) == (0, 0), told.err
    assert "has no hard links, as some network mounts: new files are renamed" in told.err
    assert "hard links" not in usual.err
    records = bytes_of(place / "usual" / "records")
    shards = [name for name in records if name.endswith(".parquet") and not name.endswith("images.parquet")]
    assert shards
    assert len(bytes_of(place / "out" / "records")) == len(records)
    assert all((place / "out" / "records" / name).read_bytes() == records[name] for name in shards)
    assert not [path for path in (place / "out" / writing.PARTIAL).glob("*") if path.is_file()]
    assert hardiness(*command(place, place / "out")).status == 0


def test_without_links_one_of_many_gets_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(local_files, "CLAIM_S", 0.2)
    folder = local_files.LocalFiles(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda each: folder.create("a/first", b"%d" % each), range(8)))
    assert sum(got) == 1
    assert (tmp_path / "a" / "first").read_bytes() == b"%d" % got.index(True)
    # A process that is killed within its claim leaves the claim.
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "lexists", lambda _: sys.exit())
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(SystemExit):
            folder.create("a/third", b"x")
    assert list((tmp_path / writing.PARTIAL).glob("claim-*"))
    assert folder.create("a/third", b"y")
    assert (tmp_path / "a" / "third").read_bytes() == b"y"


def test_a_folder_that_refuses_to_rename_too_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(Path, "replace", no_links)
    with pytest.raises(StoreError, match="permission denied"):
        local_files.LocalFiles(tmp_path).create("name", b"x")


# Things of the wrong kind, links, names -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["report.html", "results.json", "figures"])
def test_what_is_of_the_wrong_kind_is_named(place: Path, hardiness: Command, name: str) -> None:
    out = place / "out"
    out.mkdir()
    (out / name).write_text("x") if name == "figures" else (out / name).mkdir()
    told = hardiness(*command(place, out))
    assert told.status == 1
    assert name in one_line(told.err)
    assert (out / name).read_text() == "x" if name == "figures" else (out / name).is_dir()


@pytest.mark.parametrize("name", ["report.html", "results.json", "figures", "records", ".partial"])
def test_links_in_the_folder_are_not_written_through(place: Path, hardiness: Command, name: str) -> None:
    out, victim = place / "out", place / "victim"
    out.mkdir()
    if "." in name[1:]:
        victim.write_text('{"schema": 1, "results": []}')
    else:
        victim.mkdir()
    (out / name).symlink_to(victim)
    told = hardiness(*command(place, out))
    assert told.status in (1, 2)
    line = one_line(told.err)
    assert str(out / name) in line
    assert "link" in line
    assert victim.read_text() == '{"schema": 1, "results": []}' if victim.is_file() else not list(victim.iterdir())


def test_a_run_that_lies_behind_a_link_is_told_by_every_command_and_refuses_evidence(
    tmp_path: Path, hardiness: Command
) -> None:
    """People move a run to another disk and leave a link; the disk may not be there."""
    out, policy = tmp_path / "out", tmp_path / "policy.toml"
    rule = '[[rules]]\nbenchmark = "{}"\nmetric = "mean_score"\nat_least = "1 %"\n'
    for model in ("one", "two", "moved"):
        scores = {"sample": [f"p{k}" for k in range(40)], "score": [k % 4 / 3 for k in range(40)]}
        evaluate(model, "file:moved" if model == "moved" else "file:own", predictions=scores, out=out)
    (run,) = (out / "records").glob("moved--*")
    shutil.move(run, tmp_path / "elsewhere")
    run.symlink_to(tmp_path / "elsewhere")
    kept = {path: path.read_bytes() for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()}
    line = f"{run}/run.json lies behind a link that leads out of {out}, and is not read"
    policy.write_text(rule.format("*"))
    for command in ("show", "compare", "report", "list runs", "export --format csv", f"gate --policy {policy}"):
        name, *options = command.split()
        told = hardiness(name, *options[:1], out) if name == "list" else hardiness(name, out, *options)
        assert line in " ".join((told.err + told.out).split()), command
        assert told.status == (0 if name == "gate" else 1), command
    policy.write_text(rule.format("file:moved"))
    assert line in one_line(hardiness("gate", out, "--policy", policy).err)
    assert [problem.partition(";")[0] for problem in load_results(out).problems] == [line]
    told = hardiness("report", out, "--evidence", tmp_path / "filed")
    assert told.status == 1
    assert "evidence must hold every run, and cannot: " in one_line(told.err)
    assert not (tmp_path / "filed").exists()
    assert hardiness("data", "drop", out, run.name.rpartition("--")[2]).status == 1
    assert {path: path.read_bytes() for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()} == kept


def test_an_exhibit_that_leads_elsewhere_is_not_shown(place: Path, hardiness: Command) -> None:
    out, secret = place / "out", place / "secret.png"
    hardiness(*command(place, out))
    PIL.Image.new("RGB", (8, 8), (1, 2, 3)).save(secret)
    (run,) = (out / "records").iterdir()
    (run / "exhibits").mkdir()
    shutil.copy(secret, run / "exhibits" / "own.png")
    (run / "exhibits" / "theirs.png").symlink_to(secret)
    (run / "exhibits" / "torn.png").write_bytes(secret.read_bytes()[:40])
    told = hardiness("report", out, "--out", place / "page.html")
    page = (place / "page.html").read_text()
    assert told.status == 0
    assert ">own<" in page or "own" in page
    assert "theirs" not in page


@pytest.mark.slow
def test_names_that_are_no_utf8_work(place: Path) -> None:
    out = os.fsencode(place) + b"/out-\xff"
    os.rename(place / "network.py", os.fsencode(place) + b"/net-\xfe.py")
    line = [os.fsencode(part) for part in command(place, "OUT")]
    line = [
        out if part == b"OUT" else part.replace(b"network.py", b"net-\xfe.py") for part in line if part != b"--quiet"
    ]
    told = spawned(*line)
    assert told.returncode == 0, told.stderr
    assert "Traceback" not in told.stderr
    for more in ([b"show", out], [b"report", out], [b"export", out, b"--format", b"csv"]):
        told = spawned(*more)
        assert told.returncode == 0, told.stderr
    assert "net-\\xfe.py" in told.stdout, "of the export: it encodes names as UTF-8"
    with open(out + b"/report.html", encoding="utf-8") as page:
        assert "out-\\xff" in page.read()


# Locks, repeated and empty options ----------------------------------------------------------------------------------


def test_who_holds_the_lock_is_told_and_waited_for_no_longer_than_asked(place: Path, hardiness: Command) -> None:
    out = place / "out"
    hardiness(*command(place, out))
    begin = time.monotonic()
    with FileLock(out / ".lock"):
        (out / ".lock-holder").write_text("process 4711 on elsewhere")
        told = hardiness(*command(place, out, "--wait", "2.5"))
    assert time.monotonic() - begin < 60
    assert told.status == 1
    assert "is locked by process 4711 on elsewhere, and was for 2.5 s; wait for its end" in told.err
    assert "waiting for up to 2.5 s" in told.err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--seed", "1", "--seed", "2"], "--seed is given twice"),
        (["--limit", "3", "--limit", "3"], "--limit is given twice"),
        (["-b", "imagenet-val"], "--benchmark imagenet-val is given twice"),
        (["--suite", ""], "unknown suite ''"),
        (["-b", "imagenet-c:severities=1,severities=2"], "'severities' of benchmark imagenet-c is given twice"),
        (["-b", "imagenet-c:severities=1_0"], "must be of type int, was '1_0'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    place: Path, hardiness: Command, more: list[str], says: str
) -> None:
    told = hardiness(*command(place, place / "out", *more))
    assert told.status == 2
    assert says in one_line(told.err)
    assert not (place / "out" / "records").exists()


def test_an_empty_folder_name_is_refused(place: Path, hardiness: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    for name in ("", " "):
        told = hardiness(*command(place, name))
        assert told.status == 2
        assert "--out must name a folder" in one_line(told.err)
    assert not (place / "records").exists()


def test_a_damaged_results_file_is_set_aside(place: Path, hardiness: Command) -> None:
    out = place / "out"
    hardiness(*command(place, out))
    (out / "results.json").write_text("{")
    told = hardiness(*[part for part in command(place, out) if part != "--quiet"])
    assert told.status == 0
    assert f"now {out}/damaged/results.json" in told.err
    assert json.loads((out / "results.json").read_text())["results"]
