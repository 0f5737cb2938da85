"""Several models, shares and answers from elsewhere in one call, beside the command that does the same."""

from __future__ import annotations

import json
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from commands import called

import hardiness
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.report.words import line as said
from hardiness.sources.files import DiskFile

MODEL = """
import torch

class Net(torch.nn.Module):
    def __init__(self, seed):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.linear = torch.nn.Linear(12, 1000, bias=False)
        self.linear.weight.data = torch.randn(1000, 12, generator=generator)

    def forward(self, x):
        return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))

def first():
    return Net(0)

def second():
    return Net(1)
"""
BENCHMARKS = ["imagenet-val", "imagenet-c:corruptions=brightness,severities=1"]


@pytest.fixture
def named(tmp_path: Path) -> list[str]:
    """Two small networks by name."""
    file = tmp_path / "net.py"
    file.write_text(MODEL)
    view = "resize_px=36,crop_px=32,mean=0.485/0.456/0.406,std=0.229/0.224/0.225,tag=1"  # no look at the first pictures
    return [f"{name}=py:{file}:{name}:{view}" for name in ("first", "second")]


def rows_in(out: Path) -> dict[str, bytes]:
    """The bytes of every stored shard, by run and name."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted((out / "records").glob("*/*.parquet"))}


@pytest.mark.slow
def test_models_of_one_call_share_the_pictures_and_give_the_rows_of_the_command(
    named: list[str], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [word for text in named for word in ("-m", text)] + [word for text in BENCHMARKS for word in ("-b", text)]
    settings = ["--device", "cpu", "--runtime", "torch", "--quiet"]
    assert called(monkeypatch, "run", *words, "--data", str(root), "--out", str(tmp_path / "command"), *settings) == 0
    reads: Counter[str] = Counter()
    read = DiskFile.read

    def counted(self: DiskFile) -> bytes:
        reads[self.name] += 1
        return read(self)

    monkeypatch.setattr(DiskFile, "read", counted)
    results = hardiness.evaluate(
        named, BENCHMARKS, str(root), out=tmp_path / "python", device="cpu", runtime="torch", progress=False
    )
    pictures = [count for name, count in reads.items() if name.endswith(".png")]
    assert pictures == [4] * 6, "each once for a benchmark, and once for its size, whatever the number of models"
    assert [(each.benchmark, each.model) for each in results] == [
        ("imagenet-val", "first"), ("imagenet-val", "second"), ("imagenet-c", "first"), ("imagenet-c", "second"),
    ]  # fmt: skip
    rows = rows_in(tmp_path / "python")
    assert len(rows) >= 4
    assert rows == rows_in(tmp_path / "command")
    assert results.problems == ()


def test_a_mapping_names_modules_and_one_model_in_a_list_is_a_sequence(network: Any, view: Any, root: Path) -> None:
    settings: dict[str, Any] = {"view": view, "runtime": "torch", "device": "cpu", "progress": False}
    results = hardiness.evaluate({"a": network(0), "b": network(1)}, "imagenet-val", str(root), **settings)
    assert [each.model for each in results] == ["a", "b"]
    assert results[0].key != results[1].key
    alone = hardiness.evaluate([network(0)], "imagenet-val", str(root), **settings)
    assert [each.scores for each in alone] == [results[0].scores]


def test_what_one_of_several_models_cannot_is_a_problem_and_costs_the_others_nothing(
    network: Any, view: Any, root: Path
) -> None:
    def answers(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1)[:, :1000].astype(np.float32)

    attack = (
        "whitebox:attack=pgd,protocol=standard,norm=linf,epsilons=1/255,steps=1,must_break=false,cross_checks=false"
    )
    own = {"module": network(0), "function": answers}
    settings: dict[str, Any] = {"view": view, "device": "cpu", "progress": False, "limit": 1}
    results = hardiness.evaluate(own, ["imagenet-val", attack], str(root), **settings)
    assert [(each.benchmark, each.model) for each in results] == [
        ("imagenet-val", "module"), ("imagenet-val", "function"), ("whitebox", "module"),
    ]  # fmt: skip
    (problem,) = results.problems
    assert problem.startswith("function has no gradients")
    assert problem in str(results)
    assert not any("has no gradients" in said(fact) for fact in results[2].warnings), "which is not of the module"
    with pytest.raises(ModelError, match="has no gradients"):
        hardiness.evaluate(answers, attack, str(root), **settings)


def test_what_is_said_of_a_model_is_not_told_by_how_names_begin(network: Any, root: Path) -> None:
    held = {"m": network(0), "m: two": network(1)}
    settings: dict[str, Any] = {"device": "cpu", "runtime": "torch", "progress": False, "limit": 1}
    results = hardiness.evaluate(held, "imagenet-val", str(root), view=hardiness.View(36, 32), **settings)
    for result in results:
        lines = [said(fact) for fact in result.warnings]
        assert sum("photographs are resized with the filter bilinear" in line for line in lines) == 1, result.model


@pytest.mark.slow
def test_two_shares_of_a_call_evaluate_everything_once(named: list[str], root: Path, tmp_path: Path) -> None:
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    settings: dict[str, Any] = {"device": "cpu", "runtime": "torch", "progress": False, "batch_size": 1}
    hardiness.evaluate(named, BENCHMARKS, str(root), out=whole, **settings)
    first = hardiness.evaluate(named, BENCHMARKS, str(root), out=shared, where="0/2", **settings)
    second = hardiness.evaluate(named, BENCHMARKS, str(root), out=shared, where=hardiness.Share(1, 2), **settings)
    assert rows_in(shared) == rows_in(whole)
    assert [each.scores for each in first] == [each.scores for each in second]
    assert [each.counts.evaluated for each in first] == [6, 6, 6, 6]


def test_answers_from_elsewhere_are_a_file_or_columns(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the command and of Python, of a file and of what it holds: the same rows and scores."""
    samples = [f"{folder}/{number}.png" for number, folder in enumerate(("n01440764", "n01443537", "n01484850") * 2)]
    logits = np.random.default_rng(0).normal(size=(6, 1000)).astype(np.float32)
    table = pa.table({"sample": samples, "logits": list(logits)})
    file = tmp_path / "answers.parquet"
    pa.parquet.write_table(table, file)
    words = ["-m", "served", "-b", "imagenet-val", "--data", str(root), "--predictions", str(file), "--quiet"]
    assert called(monkeypatch, "run", *words, "--out", str(tmp_path / "command")) == 0
    settings: dict[str, Any] = {"progress": False}
    of_file = hardiness.evaluate(
        "served", "imagenet-val", str(root), predictions=file, out=tmp_path / "python", **settings
    )
    assert rows_in(tmp_path / "python") == rows_in(tmp_path / "command")
    frames = [table.to_pandas()] if find_spec("pandas") else []
    forms = ({"sample": samples, "logits": logits}, table, *frames, {**table.to_pydict()})
    held = [hardiness.evaluate("served", "imagenet-val", str(root), predictions=form, **settings) for form in forms]
    assert {each.key for each in held} == {held[0].key}
    assert held[0].key != of_file.key, "its weights are the hash of its answers"
    assert all(each.scores == of_file.scores for each in held)
    assert any("read from predictions (logits)" in line for line in map(said, held[0].warnings))
    numbered = {"sample": samples, **{f"logits_{k}": logits[:, k] for k in range(1000)}}
    assert hardiness.evaluate("served", "imagenet-val", str(root), predictions=numbered).key == held[0].key
    classes = {"sample": samples, "class_index": logits.argmax(1)}
    by_class = hardiness.evaluate("served", "imagenet-val", str(root), predictions=classes)
    assert by_class.score("top1") == of_file.score("top1")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (np.zeros((6, 1000)), "predictions must be a csv or Parquet file, or columns by name .* was ndarray"),
        ({"logits": np.zeros((6, 1000))}, "predictions must have the columns sample, condition, and logits"),
        ({"sample": ["a"], "logits": np.zeros((6, 1000))}, "as many rows of logits as of sample, 1; had 6"),
        ({"sample": [], "logits": np.zeros((0, 1000))}, "predictions must hold a row for each picture, holds none"),
        ({"sample": ["a"], "logits": [["x", 1]]}, r"predictions: the answer for a \(row 1\) must be numbers"),
        ({"sample": ["a"], "logits": np.zeros((1, 1000))}, r"predictions \(row 1\): 'a' is no sample of imagenet"),
    ],
)
def test_columns_that_do_not_go_with_the_pictures_are_refused(
    answers: Any, says: str, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=says):
        hardiness.evaluate("served", "imagenet-val", str(root), predictions=answers, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_record_of_a_call_names_models_as_a_command_does(named: list[str], root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hardiness.evaluate({"mine": named[0].partition("=")[2]}, "imagenet-val", str(root), out=out, progress=False)
    (entry,) = json.loads((out / "results.json").read_text())["results"]
    assert entry["model"] == "mine"
    assert entry["measured"]["sessions"][0]["asked"]["model"] == f"mine={named[0].partition('=')[2]}"
