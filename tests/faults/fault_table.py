"""Plants faults in a finished run; says what ``show`` and the same ``run`` make of each: the table in reliability.md.

python tests/faults/fault_table.py            # writes the table
python tests/faults/fault_table.py --check    # writes nothing; exits with 1 where it would write another one
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq

from hardiness.cli.main import main as hardiness
from hardiness.reference.classes import wnids

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- made: faults -->\n", "<!-- end: faults -->\n"
NETWORK = """
import torch

def build():
    generator = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(48, 1000)
    head.weight.data = torch.randn(1000, 48, generator=generator)
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), head)
"""
PHOTOGRAPHS = 300
"""Two units: one to damage, and one that must not suffer."""


@dataclass(frozen=True)
class Out:
    """A finished output folder to plant a fault in.

    Attributes:
        folder: the output folder.
        other: of another seed.
    """

    folder: Path
    other: Path

    @property
    def run(self) -> Path:
        (found,) = (self.folder / "records").iterdir()
        return found

    @property
    def shard(self) -> Path:
        return sorted(self.run.glob("*.parquet"))[0]

    @property
    def session(self) -> Path:
        return next((self.run / "measured").iterdir())


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def random_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def bit(path: Path, share: float = 0.4) -> None:
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 16
    path.write_bytes(content)


def bit_of_an_answer(path: Path) -> None:
    """Flips a bit in the middle of the page that holds the predictions."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    column = next(c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == "prediction")
    at = column.data_page_offset + column.total_compressed_size // 2
    content = bytearray(path.read_bytes())
    content[at] ^= 16
    path.write_bytes(content)


def column_gone(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["confidence"]), path)


def predictions_overwritten(path: Path) -> None:
    table = pq.read_table(path)
    place = table.column_names.index("prediction")
    other = table.set_column(place, "prediction", table.column("label").cast(table.schema.field("prediction").type))
    pq.write_table(other.replace_schema_metadata(table.schema.metadata), path)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def elsewhere(path: Path) -> None:
    target = path.parents[3] / f"elsewhere-{path.name}"
    shutil.move(path, target)
    path.symlink_to(target)


def edited(path: Path) -> None:
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))


def text(content: str | bytes) -> Callable[[Path], None]:
    return lambda path: void(path.write_bytes(content.encode() if isinstance(content, str) else content))


def void(_: object) -> None:
    return None


def number_edited(path: Path) -> None:
    path.write_text(re.sub(r'"value": 0\.\d+', '"value": 0.99', path.read_text()))


def exchanged(out: Out) -> None:
    first, second = sorted(out.run.glob("*.parquet"))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def of_another_seed(out: Out) -> None:
    (theirs,) = (out.other / "records").iterdir()
    out.shard.write_bytes(sorted(theirs.glob("*.parquet"))[0].read_bytes())


def run_of_another_seed(out: Out) -> None:
    (theirs,) = (out.other / "records").iterdir()
    (out.run / "run.json").write_bytes((theirs / "run.json").read_bytes())


def foreign(out: Out) -> None:
    pq.write_table(pa.table({"x": [1]}), out.run / "notes.parquet")


Plant = Callable[[Out], object]


def shard(change: Callable[[Path], None]) -> Plant:
    return lambda out: change(out.shard)


def described(name: str, change: Callable[[Path], None]) -> Plant:
    return lambda out: change(out.run / name)


FAULTS: dict[str, Plant] = {
    "a shard without its last byte": shard(cut),
    "a shard of zeros": shard(zeroed),
    "a shard of random bytes": shard(random_bytes),
    "a shard with one bit of its answers flipped": shard(bit_of_an_answer),
    "an empty shard": shard(text("")),
    "a missing shard": shard(Path.unlink),
    "two shards exchanged": exchanged,
    "a shard of another seed": of_another_seed,
    "a shard without a column": shard(column_gone),
    "a shard whose answers were replaced by the correct labels": shard(predictions_overwritten),
    "a shard that is a folder": shard(folder),
    "a shard that is a FIFO": shard(fifo),
    "a shard that is a link out of the folder": shard(elsewhere),
    "a `notes.parquet` that hardiness did not write": foreign,
    "`run.json` edited": described("run.json", edited),
    "`run.json` that is a list": described("run.json", text("[]")),
    "`run.json` that is not UTF-8": described("run.json", text(b"\xff\xfe")),
    "`run.json` nested 100,000 deep": described("run.json", text("[" * 100_000)),
    "`run.json` of another run": run_of_another_seed,
    "a missing `run.json`": described("run.json", Path.unlink),
    "`cells.json` that is a list": described("cells.json", text("[1]")),
    "`measured/*.json` with JSON of another type": lambda out: text("3")(out.session),
    "`measured/*.json` cut": lambda out: cut(out.session) or cut(out.session) or cut(out.session),
    "`results.json` cut": lambda out: text("{")(out.folder / "results.json"),
    "`results.json` with JSON of another type": lambda out: text("[]")(out.folder / "results.json"),
    "stored scores with JSON of another type": described("scored/memo.jsonl", text("[]")),
    "stored scores edited": described("scored/memo.jsonl", number_edited),
    "stored scores with one bit flipped": described("scored/memo.jsonl", bit),
    "stored image table with one bit flipped": described("scored/images.parquet", bit),
    "stored image table of random bytes": described("scored/images.parquet", random_bytes),
}


@dataclass(frozen=True)
class Told:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()


def called(*arguments: str | Path) -> Told:
    """``hardiness ARGUMENTS`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["hardiness", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            hardiness()
        except SystemExit as left:
            return Told(int(left.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("it always leaves by SystemExit")


@dataclass(frozen=True)
class Row:
    """What became of a fault.

    Attributes:
        planted: what was done.
        shown: exit status of ``show``, and what it said.
        reported: the same for ``report``, which must say the same.
        show_kept: whether its numbers were those of before, or marked as of a part.
        same: whether they were those of before.
        again: the same for ``run``.
        recovered: whether results and shards are now what they were before.
    """

    planted: str
    shown: Told
    reported: Told
    show_kept: bool
    same: bool
    again: Told
    recovered: bool

    @property
    def outcome(self) -> tuple[str, str]:
        """What ``show`` and ``report`` do, and whether ``run`` restores the bytes."""
        named = "the file is named, exit 1" if self.shown.status == 1 else ""
        part = "" if self.same else "partial"
        told = ", ".join(filter(None, (named, part))) or "the same numbers"
        if (self.reported.status, self.reported.lines) != (self.shown.status, self.shown.lines):
            told = f"{told}; `report` says otherwise"
        return told, "yes" if self.recovered else "NO"


def table(rows: Iterable[Row]) -> str:
    """The faults by what comes of them, as Markdown."""
    planted: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        planted.setdefault(row.outcome, []).append(row.planted)
    lines = [f"| {'; '.join(names)} | {told} | {restored} |\n" for (told, restored), names in planted.items()]
    return "".join(["| damage | `show` and `report` | `run` restores the same bytes |\n|---|---|---|\n", *lines])


def scores(out: Path) -> Any:
    found = json.loads((out / "results.json").read_text())["results"]
    return [(each["model"], each["counts"], each["scores"]) for each in found]


def shards(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("records/*/[0-9]*.parquet") if path.is_file()}


def prepared(place: Path) -> tuple[list[str], Path, Path]:
    """A command without ``--out``, a folder that it has finished, and one of another seed."""
    (place / "network.py").write_text(NETWORK)
    for number in range(PHOTOGRAPHS):
        file = place / "data" / "imagenet" / "val" / wnids()[number % 10] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        PIL.Image.fromarray(pixels).resize((64, 64)).save(file)
    view = "resize_px=64,crop_px=64,interpolation=nearest,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
    model = f"py:{place}/network.py:build:{view}"
    command = ["run", "-m", model, "-b", "imagenet-val", "--data", str(place / "data"), "--quiet"]
    for name, seed in (("whole", "0"), ("other", "1")):
        done = called(*command, "--seed", seed, "--out", place / name)
        assert done.status == 0, done.err
    return command, place / "whole", place / "other"


def tried(names: list[str] | None = None) -> Iterator[Row]:
    """Each fault in a copy of a finished folder: what ``show`` says, then what the same command does."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        command, whole, other = prepared(place)
        sound, expected = scores(whole), shards(whole)
        assert len(expected) == 2
        shown_sound = called("show", whole, "--json").out
        for name in names or FAULTS:
            folder = place / "out"
            shutil.copytree(whole, folder, symlinks=True)
            FAULTS[name](Out(folder, other))
            shown = called("show", folder, "--json")
            reported = called("report", folder, "--no-images", "--to", place / "page.html")
            found = json.loads(shown.out or "[]")
            same = [each["scores"] for each in found] == [each["scores"] for each in json.loads(shown_sound)]
            kept = same or not any(each["complete"] for each in found)
            again = called(*command, "--out", folder)
            recovered = again.status == 0 and scores(folder) == sound and shards(folder) == expected
            recovered = recovered and called("show", folder).status == 0
            yield Row(name, shown, reported, kept, same, again, recovered)
            shutil.rmtree(folder)


def main(arguments: list[str]) -> int:
    """Write the table, or compare it."""
    rows = list(tried())
    for row in rows:
        for line in row.shown.lines + row.again.lines:
            print(f"{row.planted}: {line}")
    before = PAGE.read_text("utf-8")
    first, last = before.index(BEGIN) + len(BEGIN), before.index(END)
    after = before[:first] + table(rows) + before[last:]
    if "--check" in arguments:
        return 0 if after == before else 1
    PAGE.write_text(after, "utf-8")
    return 0 if all(row.recovered and row.show_kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
