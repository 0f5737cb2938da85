"""ONNX graphs as they are found: other types, other inputs, loops without end, no GPU."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.core.errors import ModelError
from hardiness.engine.attack import judge_of, victims_of
from hardiness.engine.batch import QueuedPicture
from hardiness.engine.batch_sizes import LARGEST, SMALLEST, automatic_batch_size
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.placement import place
from hardiness.models.preprocessing import InputPolicy
from hardiness.models.runtimes import onnx_runtime
from hardiness.report.words import text

Noise = Callable[..., Tensor]
NAMES = {np.float32: "FLOAT", np.float16: "FLOAT16", np.uint8: "UINT8"}


def _nodes(cast: int | None = None) -> list[Any]:
    from onnx import helper

    first = [helper.make_node("Cast", ["images"], ["cast"], to=cast)] if cast else []
    return [
        *first,
        helper.make_node("GlobalAveragePool", ["cast" if cast else "images"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
    ]


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., str]:
    """Channel means times a matrix, as an ONNX file; gives the model's name."""

    def export(
        kind: Any = np.float32,
        nodes: list[Any] | None = None,
        more: tuple[str, ...] = (),
        px: Any = "side",
        shape: tuple[int | str, ...] = (),
    ) -> str:
        import onnx
        from onnx import helper, numpy_helper

        number = getattr(onnx.TensorProto, NAMES[kind])
        made = number if kind is not np.uint8 else onnx.TensorProto.FLOAT
        weight = numpy_helper.from_array(
            np.arange(12.0).reshape(3, 4).astype(kind if kind is not np.uint8 else np.float32), "weight"
        )
        graph = helper.make_graph(
            nodes or _nodes(onnx.TensorProto.FLOAT if kind is np.uint8 else None),
            "net",
            [helper.make_tensor_value_info(name, number, shape or ["n", 3, px, px]) for name in ("images", *more)],
            [helper.make_tensor_value_info("logits", made, ["n", 4])],
            [weight],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save_model(model, tmp_path / "net.onnx")
        return f"onnx:{tmp_path / 'net.onnx'}:mean=0,std=1"

    return export


@pytest.mark.parametrize("shape", [("n", 3, 0, 0), ("n", 3, 0, 32), (0, 3, 32, 32)])
def test_images_without_a_pixel_are_refused_by_their_shape(
    exported: Callable[..., str], shape: tuple[int | str, ...]
) -> None:
    """Torch said that input and output sizes should be greater than 0, or the runtime that dimensions are invalid."""
    model = exported(shape=shape)
    said = f"must take images of a size, and takes {list(shape)}, which hold no pixel: export it with the size"
    with pytest.raises(ModelError, match=re.escape(said)):
        load(model, device="cpu")


@pytest.mark.parametrize(("kind", "atol"), [(np.float32, 1e-5), (np.float16, 2e-2)])
def test_graphs_of_any_float_are_fed_with_their_own(
    exported: Callable[..., str], noise: Noise, kind: Any, atol: float
) -> None:
    classifier = load(exported(kind), device="cpu")
    expected = noise(3).mean((2, 3)).double().numpy() @ np.arange(12.0).reshape(3, 4)
    found = classifier.logits(noise(3))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=atol)


def test_other_graphs_are_told(exported: Callable[..., str]) -> None:
    with pytest.raises(ModelError, match=r"must have one input, the images; has 2 \(images, mask\)"):
        resolve(exported(more=("mask",)))
    assert resolve(exported(px=64)).input_px == 64


@pytest.mark.slow
def test_a_loop_without_end_is_given_up(
    exported: Callable[..., str], noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx
    from onnx import helper, numpy_helper

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["going"]),
            helper.make_node("Mul", ["x", "one"], ["y"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("going", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None),
        ],
        [numpy_helper.from_array(np.array(1.0, np.float32), "one")],
    )
    turns = helper.make_node("Constant", [], ["turns"], value=numpy_helper.from_array(np.array(2**60)))
    truth = helper.make_node("Constant", [], ["truth"], value=numpy_helper.from_array(np.array(True)))
    loop = helper.make_node("Loop", ["turns", "truth", "images"], ["looped"], body=body)
    pooled, *rest = _nodes()
    pooled.input[0] = "looped"
    monkeypatch.setattr(onnx_runtime, "SECONDS_AN_IMAGE", 0.2)
    name = exported(nodes=[turns, truth, loop, pooled, *rest])
    with pytest.raises(ModelError, match=r"fails in ONNX Runtime: .*after the 0 s that are allowed") as caught:
        load(name, device="cpu").logits(noise(1))
    assert "\n" not in str(caught.value)


def test_without_cuda_in_onnx_runtime_a_graph_runs_on_the_cpu_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    found = place("auto", "fp32", "auto", onnx=True)
    assert (found.device, found.candidates) == ("cpu", ("onnxruntime",))
    told = "it runs on the CPU, because this ONNX Runtime has no CUDA (device cuda was to be used)"
    assert [*map(text, found.notes)] == [told]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    assert place("auto", "fp32", "auto", onnx=True).device == "cuda"
    assert place("auto", "fp32", "auto", onnx=False).notes == ()


class OnGpu:
    """ONNX Runtime with CUDA, emulated: what a session is asked for, and its outputs off by a share of their size."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, off: float) -> None:
        import onnxruntime

        self.asked = asked = list[Any]()
        made = onnxruntime.InferenceSession

        class Session:
            def __init__(self, path: str, options: Any, providers: list[Any]) -> None:
                asked.append(providers[0])
                self.own, self.provider = made(path, options, ["CPUExecutionProvider"]), providers[0][0]

            def __getattr__(self, name: str) -> Any:
                return getattr(self.own, name)

            def get_providers(self) -> list[str]:
                return [self.provider]

            def run(self, *given: Any) -> list[Any]:
                (rows,) = self.own.run(*given)
                return [rows * (1 + off) if self.provider == "CUDAExecutionProvider" else rows]

        monkeypatch.setattr("onnxruntime.InferenceSession", Session)
        monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_a_graph_on_a_gpu_is_held_against_the_cpu(
    exported: Callable[..., str], noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, gpu = exported(), OnGpu(monkeypatch, 1e-6)
    classifier = load(name, device="cuda:1")
    expected = noise(3).mean((2, 3)).double().numpy() @ np.arange(12.0).reshape(3, 4)
    np.testing.assert_allclose(classifier.logits(noise(3)), expected, rtol=1e-4)
    assert gpu.asked[-1] == ("CUDAExecutionProvider", {"device_id": "1", "use_tf32": "0"})
    assert classifier.runtimes.agreement is not None
    assert (classifier.runtimes.agreement.n, classifier.runtimes.agreement.fallback) == (3, None)
    assert 0 < classifier.runtimes.agreement.max_error < 1e-5


def test_a_graph_that_a_gpu_computes_otherwise_runs_on_the_cpu_and_says_so(
    exported: Callable[..., str], noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = exported()
    OnGpu(monkeypatch, 1e-2)
    classifier = load(name, device="cuda:0")
    expected = noise(3).mean((2, 3)).double().numpy() @ np.arange(12.0).reshape(3, 4)
    np.testing.assert_allclose(classifier.logits(noise(3)), expected, rtol=1e-5)
    assert classifier.runtimes.agreement is not None
    assert "onnxruntime on cuda:0 is not exact enough" in str(classifier.runtimes.agreement.fallback)
    assert str(classifier.runtimes.agreement.fallback).endswith("so it runs on the CPU")


def test_a_graph_on_a_gpu_is_tried_and_attacked_with_images_in_main_memory(
    exported: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = exported()
    OnGpu(monkeypatch, 0.0)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    classifier = load(name, device="cuda:0")
    assert automatic_batch_size(classifier, 32) in range(SMALLEST, LARGEST + 1)
    image = np.zeros((32, 32, 3), np.uint8)
    judge = judge_of(classifier, InputPolicy(32, 32))
    victims, lost = victims_of(judge, classifier, [QueuedPicture("a/0", (0,), 0, 1, image)], 0)
    assert lost == [False]
    assert victims.pixels.device == victims.clean.device == torch.device("cpu")
