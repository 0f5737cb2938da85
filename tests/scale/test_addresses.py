"""Every command that reads an output folder reads it at an address as well, and says the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import hardiness as library
from hardiness.store.object_files import ObjectFiles


@pytest.fixture
def outs(hardiness: Any, command: list[str], s3: Any, tmp_path: Path) -> tuple[str, str]:
    """The same two models in a folder and in a bucket."""
    second = tmp_path / "second.py"
    second.write_text((tmp_path / "network.py").read_text().replace("manual_seed(0)", "manual_seed(1)"))
    given = [
        *command[: command.index("--data")],
        "-m",
        f"py:{second}:build",
        *command[command.index("--data") :],
    ]
    found = str(tmp_path / "out"), f"s3://bucket/{tmp_path.name}/out"
    for out in found:
        status, _, told = hardiness(*given, "--limit", "16", "--out", out)
        assert status == 0, told
    return found


@pytest.mark.slow
def test_commands_say_of_an_address_what_they_say_of_a_folder(
    hardiness: Any, outs: tuple[str, str], tmp_path: Path
) -> None:
    folder, address = outs
    asked = {
        "show": ("show", "{}"),
        "show as JSON": ("show", "{}", "--json", "--verify"),
        "compare": ("compare", "{}", "--json"),
        "claims": ("show", "--claims", "{}", "--json"),
        "export": ("export", "{}", "--format", "csv"),
        "export of both": ("export", "{}", folder, "--format", "json"),
    }
    for case, arguments in asked.items():
        said = [hardiness(*(part.format(out) for part in arguments)) for out in (folder, address)]
        assert [status for status, _, _ in said] == [0, 0], (case, said[1][2])
        first, second = (_without_times(text) for _, text, _ in said)
        assert first == second, case


@pytest.mark.slow
def test_a_page_is_written_at_the_address(hardiness: Any, outs: tuple[str, str]) -> None:
    folder, address = outs
    files = ObjectFiles(address)
    files.remove("report.html")
    status, out, told = hardiness("report", address)
    assert status == 0, told
    assert out.strip() == f"{address}/report.html"
    page = (files.read("report.html") or b"").decode()
    hardiness("report", folder)
    assert page.count("<svg") == (Path(folder) / "report.html").read_text().count("<svg") > 0


@pytest.mark.slow
def test_a_notebook_reads_an_address(outs: tuple[str, str]) -> None:
    folder, address = outs
    tables = [library.load_results(out).table() for out in (folder, address)]
    assert tables[0].num_rows == tables[1].num_rows > 0
    assert len(library.compare(address)) == len(library.compare(folder)) > 0
    assert json.dumps(repr(library.compare(address))) == json.dumps(repr(library.compare(folder)))


def _without_times(text: str) -> str:
    """What differs between two runs of the same work: moments and durations."""
    return re.sub(r'"(started|elapsed_s|rows_per_s|measured|wall_s)": ?("[^"]*"|[\d.]+)', "", text)


def test_a_call_of_python_continues_at_an_address(command: list[str], s3: Any, tmp_path: Path) -> None:
    s3.every = 7
    address = f"s3://bucket/{tmp_path.name}/call"
    benchmark, model = command[command.index("-b") + 1], command[command.index("-m") + 1]

    def evaluated(limit: int, out: str | Path | None) -> Any:
        return library.evaluate(model, benchmark, str(tmp_path / "data"), out=out, limit=limit, progress=False)

    first = evaluated(16, address)
    names = list(ObjectFiles(address).list_files("records"))
    again = evaluated(40, address)
    here = evaluated(40, tmp_path / "here")
    assert (first.counts.evaluated, again.counts.evaluated) == (32, 80)
    assert again.scores == here.scores
    left = ObjectFiles(address).list_files("records")
    assert {*names} < {*left}, "what was stored stays"
    assert sum(path.endswith(".parquet") and path.count("/") == 2 for path in left) >= 3
