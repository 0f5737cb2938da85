"""OpenVINO's CPU runtime on networks that are traced and frozen, as ours are, beside those that torch.export exports.

    python bench/torch_export.py [--json] [--repetitions 15]

``torch.jit.trace`` and ``freeze`` are deprecated. Each network is converted both ways in one process and compiled with
the runtime's options; forward passes take turns. Both must give the answers of eager torch before a time counts.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import timm
import torch
from torch import nn

from bars import alternating, at_most, sized, tell, versions
from hardiness.models.runtimes.openvino_cpu import silent_openvino, the_core

IMAGES, SIDE_PX, CALLS = 2, 224, sized(5, 1)
NAMES = ("tf_efficientnet_lite0", "resnet50", "convnext_atto", "vit_tiny_patch16_224")[: sized(4, 1)]
"""Networks of timm with random weights: times and rounding are those of trained ones."""

CLOSE = 1e-4
"""Largest difference from eager torch, as a share of the largest logit."""

SLOWER = 1.1
"""Time of an image by trace over that by export from which on the runtime would be better off with the latter."""

Convert = Callable[[nn.Module, torch.Tensor], Any]


def traced(network: nn.Module, example: torch.Tensor) -> Any:
    """OpenVINO's model of the frozen trace."""
    frozen = torch.jit.freeze(torch.jit.trace(network, example, check_trace=False, strict=False))
    return silent_openvino().convert_model(frozen, example_input=example, input=list(example.shape))


def exported(network: nn.Module, example: torch.Tensor) -> Any:
    """OpenVINO's model of the exported program."""
    return silent_openvino().convert_model(torch.export.export(network, (example,)))


WAYS: dict[str, Convert] = {"trace": traced, "export": exported}


def networks() -> dict[str, nn.Module]:
    """The networks, in evaluation mode."""
    built = {}
    for name in NAMES:
        torch.manual_seed(0)
        built[name] = timm.create_model(name, pretrained=False).eval()
    return built


def compiled(convert: Convert, network: nn.Module, example: torch.Tensor) -> tuple[Any, float]:
    """The compiled model, and the seconds that it took to convert and compile."""
    begin_s = time.perf_counter()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        model = convert(network, example)
        model.reshape(list(example.shape))
        options = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": "1", "ENABLE_CPU_PINNING": "NO"}
        ready = the_core().compile_model(model, "CPU", options)
    return ready, time.perf_counter() - begin_s


def timer(model: Any, images: np.ndarray) -> Callable[[], float]:
    """Milliseconds of an image in `CALLS` calls."""
    request = model.create_infer_request()

    def ms() -> float:
        begin_s = time.perf_counter()
        for _ in range(CALLS):
            request.infer([images], share_inputs=True)
        return 1000 * (time.perf_counter() - begin_s) / CALLS / len(images)

    return ms


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repetitions", type=int, default=sized(15, 1))
    repetitions = parser.parse_args().repetitions
    images = torch.randn(IMAGES, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))
    notes: dict[str, Any] = {}
    bars: dict[str, Any] = {}
    for name, network in networks().items():
        with torch.no_grad():
            expected = network(images).numpy()
        models = {}
        for way, convert in WAYS.items():
            models[way], notes[f"{name}: {way}, s to compile"] = compiled(convert, network, images)
            logits = models[way](images.numpy())[0]
            apart = float(np.abs(logits - expected).max() / np.abs(expected).max())
            bars[f"{name}: {way}, largest difference from eager torch"] = at_most(apart, CLOSE)
        times = alternating(repetitions, *(timer(model, images.numpy()) for model in models.values()))
        notes |= {f"{name}: {way}, ms an image": ms for way, ms in zip(models, times, strict=True)}
        bars[f"{name}: trace beside export, time of an image"] = at_most(times[0] / times[1], SLOWER)
    return tell(bars, notes, versions("hardiness", "torch", "openvino", "timm"), repetitions)


if __name__ == "__main__":
    sys.exit(main())
