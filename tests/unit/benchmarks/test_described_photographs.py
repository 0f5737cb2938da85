"""Benchmarks that a TOML file describes: what it may say, and what is registered with it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hardiness.benchmarks import options
from hardiness.benchmarks.described_photographs import DescribedPhotographs
from hardiness.benchmarks.options import parse, registry, text_of
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.errors import ArgumentError, HardinessError
from hardiness.data.root import LAYOUTS, locate
from hardiness.distortions.apply import corruptions
from hardiness.reference.published_numbers import published_beside
from hardiness.reference.published_tables import registry as published_tables

STREET = """kind = "photographs"
question = "Does the model recognise what stands in a street?"
about = "Accuracy on photographs of streets."
labels = "labels.csv"

[published]
source = "Doe et al. 2026, table 3"
n = 5000
models.ResNet-50 = { top1 = 0.612 }
models.ConvNeXt-B = { top1 = 0.704 }
"""
LINES = """kind = "still"
question = "Does the model cope with more light?"
paper = "none"
protocol = "example"
about = "Errors under light."
source = "none"
levels = [1, 3, 5]
members = ["brightness", "contrast"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder; what its files register is forgotten with the test."""
    monkeypatch.chdir(tmp_path)
    for kept in ("_files", "_contents"):
        monkeypatch.setattr(options, kept, {})
    for each in (registry, LAYOUTS, published_tables, corruptions):
        monkeypatch.setattr(each, "_entries", dict(each._entries) if each.names() is not None else {})
    return tmp_path


def write(folder: Path, labels: str) -> None:
    """Pictures in a folder of their own, and their labels beside them."""
    (folder / "photos").mkdir()
    rows = ["path,label"]
    for number, label in enumerate(labels.split()):
        Image.fromarray(np.full((8, 8, 3), 80 * number, np.uint8)).save(folder / "photos" / f"{number}.png")
        rows.append(f"{number}.png,{label}")
    (folder / "photos" / "labels.csv").write_text("\n".join(rows) + "\n")


def test_a_file_registers_its_data_set_and_what_was_published_of_it(folder: Path) -> None:
    (folder / "street.toml").write_text(STREET)
    write(folder, "n01443537 2 0")
    benchmark = parse("toml:street.toml")
    assert (benchmark.name, benchmark.needs, text_of(benchmark)) == ("street", ("street",), "toml:street.toml")
    assert parse("street") == benchmark
    data = benchmark.dataset(locate(["street=photos"]))
    assert (data.name, data.num_classes, sorted(item.label for item in data.items)) == ("street", 1000, [0, 1, 2])
    published = published_beside("street", "top1", {})
    assert {model: (row.value, row.n, row.source) for model, row in published.items()} == {
        "ResNet-50": (0.612, 5000, "Doe et al. 2026, table 3"),
        "ConvNeXt-B": (0.704, 5000, "Doe et al. 2026, table 3"),
    }


def test_labels_may_be_names_of_the_data_s_own_classes(folder: Path) -> None:
    (folder / "fruit.toml").write_text(STREET.replace("[published]", 'classes = "own"\n[published]'))
    write(folder, "pear apple pear")
    data = parse("toml:fruit.toml").dataset(locate(["fruit=photos"]))
    assert (data.name, data.class_names) == ("fruit", ("apple", "pear"))
    assert sorted(item.id for item in data.items) == ["apple/1", "pear/0", "pear/2"]


def test_an_edited_file_is_made_anew_and_another_one_the_same(folder: Path) -> None:
    file = folder / "street.toml"
    file.write_text(STREET)
    first = parse("toml:street.toml")
    assert type(parse("toml:street.toml")) is type(first)
    file.write_text(STREET.replace("streets", "roads").replace("0.612", "0.5"))
    second = parse("toml:street.toml")
    assert (type(second).__doc__ or "").startswith("Accuracy on photographs of roads.")
    assert published_beside("street", "top1", {})["ResNet-50"].value == 0.5
    (folder / "other").mkdir()
    (folder / "other" / "street.toml").write_text(STREET)
    with pytest.raises(ArgumentError, match="have one name, so that one would take the other's place"):
        parse("toml:other/street.toml")


ELSEWHERE = """
import pickle
from pathlib import Path
from hardiness.data.root import LAYOUTS
street, lines = pickle.loads(Path("pickled").read_bytes())
assert (street.name, street.description.labels) == ("street", "labels.csv")
assert "street" in LAYOUTS
assert (lines.name, lines.members.members) == ("lines", ("brightness", "contrast"))
"""


@pytest.mark.slow
def test_other_processes_know_it_without_the_file(folder: Path, warm: Callable[..., Any]) -> None:
    (folder / "street.toml").write_text(STREET)
    (folder / "lines.toml").write_text(LINES)
    both = [parse("toml:street.toml"), parse("toml:lines.toml")]
    assert all(benchmark_code(each).of_session == () for each in both)
    (folder / "pickled").write_bytes(pickle.dumps(both))
    for name in ("street", "lines"):
        (folder / f"{name}.toml").unlink()
    (folder / "look.py").write_text(ELSEWHERE)
    process = warm("look.py", cwd=folder)
    _, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, ""), err


BARS = """
from typing import NamedTuple
from hardiness.distortions import corruption
from hardiness.distortions.apply import no_draws
class Level(NamedTuple):
    value: int
@corruption("colour", tuple(map(Level, (9, 7, 5, 3, 1))), no_draws)
def plain(image, level, draws):
    "One colour."
    return image * 0 + level.value
"""


def test_a_set_may_name_a_corruption_of_a_python_file_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sets").mkdir()
    (folder / "sets" / "plain.py").write_text(BARS)
    (folder / "sets" / "lines.toml").write_text(LINES.replace('"contrast"', '"py:plain.py:plain"'))
    benchmark = parse("toml:sets/lines.toml:severities=1+5")
    cells = [(cell["corruption"], cell["severity"]) for cell in benchmark.requested() if cell]
    assert cells == [("brightness", 1), ("brightness", 5), ("plain", 1), ("plain", 5)]
    assert benchmark_code(benchmark).of_session == ("corruption plain",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("street", STREET.replace("about", "abot"), "street.toml: a benchmark of photographs has no 'abot'; did you"),
        ("street", STREET.replace("question", "paper"), "street.toml: a benchmark of photographs must say question"),
        ("street", STREET.replace("0.612", "61.2"), "published top1 of ResNet-50 on street must be a fraction of 1"),
        ("street", STREET.replace('"labels.csv"', "3"), "street.toml: labels must be text, was 3"),
        ("street", STREET.replace("source =", "sauce ="), r"street.toml: \[published\] has no 'sauce'; did you mean"),
        ("street", STREET.replace("{ top1 = 0.612 }", "0.6"), r"models of \[published\] must have a table of numbers"),
        (
            "street",
            STREET.replace("labels =", 'classes = "mine"\nlabels ='),
            "classes must be one of imagenet, own, w",
        ),
        ("street", "kind", "street.toml: must be TOML, but "),
        ("street", STREET.replace("photographs", "photos", 1), "kind must be one of photographs, still, was 'photos'"),
        ("imagenet-a", STREET, "'imagenet-a' is a data set that ships; call the file otherwise"),
        ("lines", LINES.replace("contrast", "contrasst"), "unknown corruption 'contrasst'"),
        ("lines", LINES + "baseline = true\n", "lines.toml: baseline must be left out"),
    ],
)
def test_what_a_file_cannot_say_is_an_error_of_one_line(folder: Path, name: str, text: str, message: str) -> None:
    (folder / f"{name}.toml").write_text(text)
    with pytest.raises(HardinessError, match=message) as raised:
        parse(f"toml:{name}.toml")
    assert "\n" not in str(raised.value)
    assert raised.value.exit_status == 2


def test_a_file_that_is_not_there_and_a_forgotten_prefix_are_errors(folder: Path) -> None:
    (folder / "street.toml").write_text(STREET)
    with pytest.raises(ArgumentError, match=r"toml: must be followed by a file; there is none at .*absent\.toml"):
        parse("toml:absent.toml")
    with pytest.raises(ArgumentError, match=r"unknown benchmark 'street\.toml'; did you mean 'toml:street\.toml'\?"):
        parse("street.toml")
    with pytest.raises(ArgumentError, match=r"must read toml:FILE\.toml\[:option=value,…\], was 'toml:street'"):
        parse("toml:street")
    assert issubclass(registry.get(parse("toml:street.toml").name), DescribedPhotographs)
