"""Whole runs on a GPU: resumed ones leave the same bytes, too large a batch is halved, the size is found by trying."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hardiness.benchmarks.options import parse
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine.batch import QueuedPicture, classify
from hardiness.engine.batch_sizes import LARGEST, SMALLEST, BatchSize, automatic_batch_size
from hardiness.engine.evaluation import evaluate
from hardiness.models.classifier import Classifier
from hardiness.store.store import Store

Make = Callable[..., Classifier]

CORRUPTED = "imagenet-c:corruptions=contrast+brightness,severities=1"


def records(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("records/*/*.parquet"))}


@pytest.mark.parametrize("benchmark", ["imagenet-val", CORRUPTED, "whitebox:attack=pgd,steps=2"])
def test_a_run_that_was_interrupted_leaves_the_bytes_of_one_that_was_not(
    classifier: Make, benchmark: str, root: Path, tmp_path: Path
) -> None:
    data = locate([str(root)]).dataset("imagenet")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    request = Request(batch_size=8)
    assert not evaluate(parse(benchmark), [classifier("cuda")], data, Store.create(whole), request).problems
    evaluate(parse(benchmark), [classifier("cuda")], data, Store.create(parts), request)
    for path in sorted(parts.glob("records/*/*.parquet"))[::2]:
        path.unlink()
    evaluate(parse(benchmark), [classifier("cuda")], data, Store.create(parts), request)
    assert records(whole) == records(parts)


def test_predictions_are_those_of_the_cpu(classifier: Make, root: Path, tmp_path: Path) -> None:
    data = locate([str(root)]).dataset("imagenet")
    answers = []
    for device in ("cpu", "cuda"):
        store = Store.create(tmp_path / device)
        evaluate(parse(CORRUPTED), [classifier(device)], data, store, Request(batch_size=8))
        answers.append(store.runs()[0].records())
    assert answers[0]["sample"].tolist() == answers[1]["sample"].tolist()
    equal = np.mean(answers[0]["prediction"] == answers[1]["prediction"])
    assert equal >= 0.98, "near ties may turn"


def test_a_batch_that_does_not_fit_is_halved_by_a_real_refusal(classifier: Make, images: list[np.ndarray]) -> None:
    greedy = classifier("cuda")
    for size in (256, 32):  # kernels are loaded when they are first needed, and need memory of their own
        greedy.logits(torch.rand(size, 3, 224, 224))
    torch.cuda.empty_cache()
    rows = [QueuedPicture(f"a/{i}", (0,), 0, i, images[i % len(images)]) for i in range(256)]
    batch = BatchSize(256)
    free, _ = torch.cuda.mem_get_info()
    held = torch.empty(max(0, free - 96 * 2**20), dtype=torch.uint8, device="cuda")
    try:
        found = classify(greedy, parse("imagenet-val"), greedy.feed(), rows, batch)
    finally:
        del held
        torch.cuda.empty_cache()
    assert batch.current < batch.planned
    again = classify(greedy, parse("imagenet-val"), greedy.feed(), rows, BatchSize(batch.current))
    assert found["prediction"].tolist() == again["prediction"].tolist()


@pytest.mark.parametrize("gradients", [False, True])
def test_the_batch_size_is_found_once_and_decides_nothing_about_runtimes(classifier: Make, gradients: bool) -> None:
    tried = classifier("cuda")
    size = automatic_batch_size(tried, 224, gradients)
    assert SMALLEST <= size <= LARGEST
    assert automatic_batch_size(tried, 224, gradients) == size
    assert tried.runtimes.agreement is None, "noise must not choose the runtime"
