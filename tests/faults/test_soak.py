"""200,000 rows in 2,000 shards by four processes that are killed, on a disk that fails, with damage in between."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardiness.core.errors import StoreError
from hardiness.store.shards import read
from hardiness.store.store import Store
from hardiness.store.writing import PARTIAL

sys.path.insert(0, str(Path(__file__).parent))
import soak_worker as worker

WRITERS, ROUNDS, FAULTS = 4, 5, 0.01


def start(out: Path, index: int, faults: float, seed: int) -> subprocess.Popen[str]:
    """A writer in a process of its own."""
    given = [str(out), str(index), str(WRITERS), str(faults), str(seed)]
    return subprocess.Popen(
        [sys.executable, worker.__file__, *given], stdout=subprocess.PIPE, text=True, env=os.environ
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Its exit status, and how many steps of its writes were refused, where it lived to say so."""
    told, _ = process.communicate(timeout=600)
    return process.returncode, int((told.split() or ["0"])[0])


def shards(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("records/*/*.parquet")}


def flipped(content: bytes, path: Path, at: int) -> bytes:
    """The bytes with a bit changed at that place, or at the next one where it means something."""
    while True:
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        try:
            read(bytes(changed), str(path), None, worker.IDENTITY.key, {})
        except StoreError:
            return bytes(changed)
        at += 1


def plant(out: Path, chance: random.Random) -> tuple[set[str], Counter[str]]:
    """Damages twenty shards and the files beside them; the names of the shards, and how many of what kind."""
    (folder,) = out.glob("records/*")
    victims = chance.sample(sorted(path for path in folder.glob("*.parquet") if path.stat().st_size), 20)
    for number, path in enumerate(victims):
        content = path.read_bytes()
        other = victims[number - 1].read_bytes()
        bit = flipped(content, path, len(content) // 3)
        ways = [content[:-1], bytes(len(content)), chance.randbytes(len(content)), other, bit, b""]
        path.write_bytes(ways[number % len(ways)])
    gone = chance.choice(sorted(set(folder.glob("*.parquet")) - set(victims)))
    gone.unlink()
    shutil.copy(victims[0], folder / "notes.parquet")
    (folder / "run.json").write_text(chance.choice(["", "[]", "{", '{"key": 1}']))
    (folder / "scored").mkdir(exist_ok=True)
    (folder / "scored" / "memo.jsonl").write_text(chance.choice(["[]", "{", '{"x": 1}']))
    (out / PARTIAL / "1-1-left-behind").write_bytes(b"PAR1")
    names = {path.name for path in victims}
    return names, Counter(shard=len(names), gone=1, foreign=1, described=2, left=1)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.soak
def test_nothing_is_lost_or_twice_or_wrong_and_the_bytes_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    begin = time.perf_counter()
    chance = random.Random(f"{os.environ['HARDINESS_KILL_SEED']}/soak")
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert ended(start(whole, 0, 0, 0))[0] == 0
    took_s, expected = time.perf_counter() - begin, shards(whole)
    assert len(expected) == worker.SHARDS
    seen: Counter[str] = Counter()
    planted: set[str] = set()
    kept: set[str] = set()
    for turn in range(ROUNDS):
        writers = [start(out, index, FAULTS, 10 * turn + index) for index in range(WRITERS)]
        for process in sorted(writers, key=lambda _: chance.random())[: WRITERS - (turn == ROUNDS - 1)]:
            try:
                process.wait(chance.uniform(0.02, 0.2) * took_s)
            except subprocess.TimeoutExpired:
                process.kill()
                seen["killed"] += 1
        for process in writers:
            seen["refused"] += ended(process)[1]
        found = shards(out)
        good = {name for name, content in found.items() if content == expected.get(name)}
        assert set(found) - good <= planted | {"notes.parquet"}, "what is stored is whole and right, whenever it ended"
        assert kept <= good, "what was stored stays"
        if len(found) > 40:
            names, kinds = plant(out, chance)
            planted |= names
            seen += kinds
        kept = {name for name, content in shards(out).items() if content == expected.get(name)}
    assert ended(start(out, 0, 0, 0))[0] == 1, "the last damage is told"
    assert ended(start(out, 0, 0, 0))[0] == 0, "and told once"
    assert shards(out) == expected
    (run,) = Store.open(out).runs()
    check(run.records())
    assert not run.damage
    seconds = time.perf_counter() - begin
    print(f"{worker.SHARDS * worker.ROWS:,} rows, {worker.SHARDS:,} shards, {dict(seen)}, {seconds:.0f} s")


def check(found: Any) -> None:
    """Each row once, in order, with the values that every writer computes."""
    assert len(found) == worker.SHARDS * worker.ROWS
    assert len(set(found["sample"].tolist())) == len(found)
    for column in ("label", "prediction", "confidence"):
        by_hand = np.concatenate([worker.outcome(shard)[column] for shard in range(worker.SHARDS)])
        np.testing.assert_array_equal(found[column], by_hand)
