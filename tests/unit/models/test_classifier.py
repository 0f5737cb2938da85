"""The wrapper's promises, on networks small enough to compute by hand or in a blink."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.model import View
from hardiness.models.exactness import Agreement, compare
from hardiness.models.loading import wrap
from hardiness.models.runtimes import Executable, runtimes
from hardiness.report.words import text

Make = Callable[..., nn.Module]
Noise = Callable[..., Tensor]
VIEW = View(36, 32, "bilinear", mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


class _Means(nn.Module):
    """Logits are the three channel means, times what the tests ask for."""

    def __init__(self, after: Callable[[Tensor], Any] = lambda x: x) -> None:
        super().__init__()
        self.after = after

    def forward(self, x: Tensor) -> Any:
        return self.after(x.mean((2, 3)))


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
@pytest.mark.parametrize(("order", "span"), [("RGB", "0..1"), ("BGR", "0..1"), ("RGB", "0..255"), ("BGR", "0..255")])
def test_preprocessing_by_hand(noise: Noise, runtime: str, order: str, span: str) -> None:
    full = 255.0 if span == "0..255" else 1.0
    view = View(36, 32, mean=(0.1 * full, 0.2 * full, 0.3 * full), std=(0.5, 0.6, 0.7), channel_order=order, range=span)  # type: ignore[arg-type]
    pixels = noise(3)
    found = wrap(_Means(), view, name="means", device="cpu", runtime=runtime).logits(pixels)
    means = pixels.double().mean((2, 3)).numpy() * full
    means = means[:, ::-1] if order == "BGR" else means
    np.testing.assert_allclose(found, (means - np.array(view.mean)) / np.array(view.std), rtol=2e-5, atol=1e-4)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_logits_equal_the_plain_network(tiny: Make, noise: Noise, runtime: str) -> None:
    pixels, network = noise(5), tiny()
    classifier = wrap(network, VIEW, name="tiny", device="cpu", runtime=runtime)
    mean, std = (torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1) for values in (VIEW.mean, VIEW.std))
    expected = network.double()((pixels.double() - mean) / std).detach().numpy()
    found = classifier.logits(pixels)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    assert (classifier.runtimes.name, classifier.num_classes) == (runtime, 7)
    assert classifier.runtimes.agreement is not None
    assert classifier.runtimes.agreement.n == 4
    assert classifier.runtimes.agreement.exact
    assert classifier.runtimes.agreement.fallback is None


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_rows_do_not_depend_on_the_batch(tiny: Make, noise: Noise, runtime: str) -> None:
    pixels = noise(9)
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu", runtime=runtime)
    whole = classifier.logits(pixels)
    parts = np.concatenate([classifier.logits(pixels[a:b]) for a, b in ((0, 1), (1, 4), (4, 9))])
    if runtime == "openvino":
        np.testing.assert_array_equal(whole, parts)
    else:
        np.testing.assert_allclose(whole, parts, atol=2e-6 * np.abs(whole).max())


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_memory_layout_changes_nothing_and_input_is_kept(tiny: Make, noise: Noise, runtime: str) -> None:
    pixels = noise(3)
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu", runtime=runtime)
    last = pixels.contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(classifier.logits(pixels), classifier.logits(last), rtol=1e-6, atol=1e-5)
    assert torch.equal(pixels, noise(3))
    assert torch.equal(last, noise(3))


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_threads_get_what_one_gets(tiny: Make, noise: Noise, runtime: str) -> None:
    batches = [noise(1 + seed % 5, seed=seed) for seed in range(24)]
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu", runtime=runtime)
    found: dict[int, np.ndarray[Any, Any]] = {}

    def work(first: int) -> None:
        for position in range(first, len(batches), 4):
            found[position] = classifier.logits(batches[position])

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for position, batch in enumerate(batches):
        np.testing.assert_array_equal(found[position], classifier.logits(batch))


def test_gradients_are_those_of_the_plain_network(tiny: Make, noise: Noise) -> None:
    network, pixels = tiny(), noise(3).requires_grad_()
    classifier = wrap(network, VIEW, name="tiny", device="cpu")
    classifier.differentiable(pixels)[:, 2].sum().backward()
    plain = noise(3).double().requires_grad_()
    mean, std = (torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1) for values in (VIEW.mean, VIEW.std))
    network.double()((plain - mean) / std)[:, 2].sum().backward()
    assert pixels.grad is not None
    assert plain.grad is not None
    assert (pixels.grad - plain.grad).abs().max() <= 1e-5 * plain.grad.abs().max()
    assert classifier.has_gradients


def test_differentiable_and_logits_are_one_function(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    logits = classifier.logits(noise(6))
    np.testing.assert_allclose(classifier.differentiable(noise(6)).numpy(), logits, atol=2e-6 * np.abs(logits).max())


def test_activations_are_the_layer_s_own_output(tiny: Make, noise: Noise) -> None:
    network = tiny()
    classifier = wrap(network, VIEW, name="tiny", device="cpu")
    classifier.differentiable(noise(1))  # norms are folded by now, and activations must not show it
    pixels = noise(2).requires_grad_()
    found = classifier.layers.output(pixels, "conv1")
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (VIEW.mean, VIEW.std))
    torch.testing.assert_close(found, network.conv1((pixels - mean) / std))
    found.sum().backward()
    assert pixels.grad is not None


def test_hooks_are_always_removed(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    classifier.layers.output(noise(1), "bn2")
    with pytest.raises(ModelError, match="tiny fails on 1 images of 2 x 2 px: RuntimeError"):
        classifier.layers.output(torch.zeros(1, 3, 2, 2), "bn2")
    assert not any(module._forward_hooks for module in classifier._original.network.modules())


def test_unknown_layers_are_answered_with_close_ones(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    with pytest.raises(UnknownNameError, match=r"layer of tiny 'conv3'; did you mean 'conv[12]'"):
        classifier.layers.output(noise(1), "conv3")


@pytest.mark.parametrize(
    "pixels",
    [torch.zeros(3, 32, 32), torch.zeros(1, 1, 32, 32), torch.zeros(1, 3, 32, 32).double(), torch.zeros(1, 3, 9, 9, 1)],
)
def test_other_shapes_and_types_are_told(tiny: Make, pixels: Tensor) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    for call in (classifier.logits, classifier.differentiable):
        with pytest.raises(ArgumentError, match=r"pixels must be float32 .N, 3, H, W."):
            call(pixels)


def test_no_images_give_no_logits(tiny: Make) -> None:
    assert wrap(tiny(), VIEW, name="tiny", device="cpu").logits(torch.zeros(0, 3, 32, 32)).shape == (0, 7)


@pytest.mark.parametrize(
    "after", [lambda x: (x, x), lambda x: [x], lambda x: {"logits": x, "loss": 0}, lambda x: SimpleNamespace(logits=x)]
)
@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_usual_outputs_are_understood(noise: Noise, after: Callable[[Tensor], Any], runtime: str) -> None:
    classifier = wrap(_Means(after), VIEW, name="means", device="cpu", runtime=runtime)
    assert classifier.logits(noise(2)).shape == (2, 3)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (lambda x: x.mean(), r"of shape .images, classes., returned \(\)"),
        (lambda x: x[:, :, None, None], "returned .1, 3, 1, 1."),
        (lambda x: {"scores": x}, "a mapping with keys scores"),
        (lambda x: "cat", "returned a str"),
        (
            lambda x: 1 / 0,
            r"on an image of 32 px: ZeroDivisionError: division by zero .*test_classifier\.py:",
        ),
    ],
)
def test_other_outputs_are_told(after: Callable[[Tensor], Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        wrap(_Means(after), VIEW, name="means", device="cpu")


def test_probabilities_are_refused(noise: Noise) -> None:
    classifier = wrap(_Means(lambda x: x.softmax(1)), VIEW, name="means", device="cpu")
    with pytest.raises(ModelError, match=r"means returns probabilities .* logits are needed"):
        classifier.logits(noise(2))
    wrap(_Means(lambda x: x.log_softmax(1)), VIEW, name="means", device="cpu").logits(noise(2))


def test_nan_goes_through(tiny: Make, noise: Noise) -> None:
    pixels = noise(6)
    pixels[1, 0, 3, 3] = float("nan")
    found = wrap(tiny(), VIEW, name="tiny", device="cpu", runtime="torch").logits(pixels)
    assert np.isnan(found[1]).any()
    assert np.isfinite(found[[0, 2, 3, 4, 5]]).all()


class _Sorts(nn.Module):
    """An operation of our own that OpenVINO does not know."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(x.mean((2, 3)))


def test_what_openvino_cannot_convert_falls_back_to_torch_and_says_so(noise: Noise) -> None:
    classifier = wrap(_Sorts(), VIEW, name="odd", device="cpu")
    found = classifier.logits(noise(3))
    np.testing.assert_allclose(found, classifier.differentiable(noise(3)).numpy(), rtol=1e-6)
    assert classifier.runtimes.name == "torch"
    assert classifier.runtimes.agreement is not None
    assert classifier.runtimes.agreement.fallback is not None
    assert classifier.runtimes.agreement.fallback.startswith("openvino: OpenVINO cannot convert it")
    assert "\n" not in classifier.runtimes.agreement.fallback


def test_a_failed_conversion_leaves_logging_as_it_was(noise: Noise) -> None:
    root = logging.getLogger()
    before = root.level, list(root.filters), list(root.handlers)
    assert wrap(_Sorts(), VIEW, name="odd", device="cpu").logits(noise(1)).shape == (1, 3)
    assert (root.level, root.filters, root.handlers) == before


def test_openvino_asked_for_and_impossible_is_an_error(noise: Noise) -> None:
    with pytest.raises(ModelError, match="odd cannot run as asked: openvino: OpenVINO cannot convert it"):
        wrap(_Sorts(), VIEW, name="odd", device="cpu", runtime="openvino").logits(noise(1))


MODELS_THAT_GO = """
import gc, os, signal
import torch
from hardiness.core import View
from hardiness.models import wrap

def used(name):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    classifier = wrap(network, View(36, 32), name=name, device="cpu", runtime="openvino")
    classifier.logits(torch.rand(2, 3, 32, 32))
    return classifier

first, second = used("first"), used("second")
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGUSR1, lambda *_: print("heard", flush=True))
os.kill(os.getpid(), signal.SIGUSR1)
"""


@pytest.mark.slow
def test_a_signal_is_heard_after_openvinos_models_went_one_by_one(warm: Callable[..., Any], tmp_path: Path) -> None:
    """OpenVINO's cores leave Python's handlers a stack that is no memory, where a second outlives the first."""
    (tmp_path / "models_that_go.py").write_text(MODELS_THAT_GO)
    process = warm(tmp_path / "models_that_go.py")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "heard\n"), err


@pytest.fixture
def inexact(monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenVINO runtime that is off by more than is allowed."""
    honest = runtimes.get("openvino")

    class Inexact(honest):  # type: ignore[misc, valid-type]
        def __call__(self, pixels: Tensor) -> Tensor:
            logits: Tensor = super().__call__(pixels)
            return logits + 3e-4 * logits.abs().max()

    monkeypatch.setitem(runtimes._entries, "openvino", (Inexact, "here"))


@pytest.mark.usefixtures("inexact")
def test_an_inexact_runtime_is_not_used(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    classifier.logits(noise(4))
    assert classifier.runtimes.name == "torch"
    assert classifier.runtimes.agreement is not None
    assert "openvino is not exact enough" in str(classifier.runtimes.agreement.fallback)
    with pytest.raises(ModelError, match="not exact enough"):
        wrap(tiny(), VIEW, name="tiny", device="cpu", runtime="openvino").logits(noise(4))


@pytest.mark.usefixtures("inexact")
def test_in_bf16_agreement_is_recorded_but_not_enforced(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu", precision="bf16")
    classifier.logits(noise(4))
    assert classifier.runtimes.agreement is not None
    assert classifier.runtimes.agreement.max_error > 1e-4


@pytest.mark.parametrize("runtime", ["torch", "auto"])
def test_bf16_is_near(tiny: Make, noise: Noise, runtime: str) -> None:
    exact = wrap(tiny(), VIEW, name="tiny", device="cpu").logits(noise(8))
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu", precision="bf16", runtime=runtime)
    near = classifier.logits(noise(8))
    assert 0 < np.abs(near - exact).max() < 0.05 * np.abs(exact).max()
    # Gradients stay in fp32 whatever the precision of the logits.
    np.testing.assert_allclose(classifier.differentiable(noise(8)).numpy(), exact, atol=1e-5 * np.abs(exact).max())


@pytest.mark.parametrize(("precision", "hint"), [("fp32", "f32"), ("bf16", "bf16")])
def test_openvino_is_always_told_the_precision(
    tiny: Make, noise: Noise, monkeypatch: pytest.MonkeyPatch, precision: str, hint: str
) -> None:
    import openvino

    given: list[dict[str, str]] = []
    compile_model = openvino.Core.compile_model

    def watched(self: Any, model: Any, device: str, options: dict[str, str]) -> Any:
        given.append(options)
        return compile_model(self, model, device, options)

    monkeypatch.setattr(openvino.Core, "compile_model", watched)
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "BF16"] if precision == "bf16" else ["FP32"])
    wrap(tiny(), VIEW, name="tiny", device="cpu", precision=precision).logits(noise(1))
    assert [options["INFERENCE_PRECISION_HINT"] for options in given] == [hint]


def test_without_bf16_in_the_cpu_torch_is_used_and_said(
    tiny: Make, noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openvino

    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32"])
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu", precision="bf16")
    classifier.logits(noise(1))
    assert classifier.runtimes.agreement is not None
    assert "no bf16 instructions" in str(classifier.runtimes.agreement.fallback)


def test_each_size_is_compiled_once_and_checked(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    for px in (32, 40, 32, 40):
        found = classifier.logits(noise(3, px))
        np.testing.assert_allclose(
            found, classifier.differentiable(noise(3, px)).numpy(), atol=1e-5 * np.abs(found).max()
        )
    assert len(classifier.runtimes._by_size) == 2


def test_a_copy_is_wrapped(tiny: Make, noise: Noise) -> None:
    network = tiny().train()
    classifier = wrap(network, VIEW, name="tiny", device="cpu")
    before = classifier.logits(noise(2))
    assert tuple(map(text, classifier.notes)) == ("it was in training mode and is evaluated in evaluation mode",)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    with torch.no_grad():
        network.head.weight.add_(1.0)
    np.testing.assert_array_equal(classifier.logits(noise(2)), before)
    assert wrap(tiny(), VIEW, name="tiny", device="cpu").notes == ()


def test_the_hash_is_over_names_shapes_and_values(tiny: Make) -> None:
    def digest(network: nn.Module) -> str:
        return wrap(network, VIEW, name="tiny", device="cpu").weights_sha256

    same, other = digest(tiny()), tiny()
    assert digest(tiny()) == same
    assert digest(tiny().to(memory_format=torch.channels_last)) == same
    with torch.no_grad():
        other.bn1.running_mean[0] += 1e-6
    assert digest(other) != same


def test_classes_are_counted_and_named(tiny: Make) -> None:
    names = tuple("abcdefg")
    classifier = wrap(tiny(), VIEW, name="tiny", num_classes=7, class_names=names, device="cpu")
    assert (classifier.num_classes, classifier.spec.class_names, classifier.spec.num_classes) == (7, names, 7)
    with pytest.raises(ModelError, match="tiny must have 1000 classes, puts out 7"):
        wrap(tiny(), VIEW, name="tiny", num_classes=1000, device="cpu")
    with pytest.raises(ArgumentError, match="7 classes, and 3 class names"):
        wrap(tiny(), VIEW, name="tiny", class_names=names[:3], device="cpu")


class _Fixed(nn.Module):
    """Accepts one size only."""

    def __init__(self, px: int) -> None:
        super().__init__()
        self.head = nn.Linear(3 * px * px, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.flatten(1))


def test_a_canvas_is_fed_as_it_is_or_resized(tiny: Make) -> None:
    free = wrap(tiny(), VIEW, name="tiny", device="cpu").feed(224)
    assert (free.input_px, free.resized, str(free)) == (224, False, "224 px as it is")
    fixed = wrap(_Fixed(32), VIEW, name="fixed", device="cpu")
    policy = fixed.feed(224)
    assert (policy.input_px, policy.resized, str(policy)) == (32, True, "224 px, bicubic to 32 px")
    canvas = torch.rand(2, 3, 224, 224).requires_grad_()
    pixels = policy(canvas)
    assert pixels.shape == (2, 3, 32, 32)
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    fixed.differentiable(pixels).sum().backward()
    assert canvas.grad is not None
    assert free(canvas) is canvas


def test_resizing_equals_pil(noise: Noise) -> None:
    from PIL import Image

    canvas = noise(1, 64)
    found = wrap(_Fixed(32), VIEW, name="fixed", device="cpu").feed(64)(canvas)
    for channel in range(3):
        image = Image.fromarray(canvas[0, channel].numpy(), mode=None).resize((32, 32), Image.Resampling.BICUBIC)
        np.testing.assert_allclose(found[0, channel].numpy(), np.asarray(image).clip(0, 1), atol=1e-5)


def test_memory_estimate_by_hand(tiny: Make) -> None:
    # input 3*32*32, conv1 and bn1 8*16*16 each, conv2 and bn2 16*14*14 each, head 7
    expected = 4 * (3 * 32 * 32 + 2 * 8 * 16 * 16 + 2 * 16 * 14 * 14 + 7)
    assert wrap(tiny(), VIEW, name="tiny", device="cpu").activation_bytes(32) == expected


def test_layers_that_make_nothing_new_need_no_memory() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    expected = 4 * (3 * 8 * 8 + 4 * 8 * 8 + 4 + 4)
    assert wrap(network, View(8, 8), name="net", device="cpu").activation_bytes(8) == expected


@pytest.mark.parametrize(
    ("placing", "said"),
    [
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"device": "cpu:1"}, "unknown device"),
        ({"precision": "fp23"}, "did you mean 'fp32'"),
        ({"precision": "fp16", "device": "cpu"}, "fp16 needs a GPU"),
        ({"runtime": "openvno"}, "did you mean 'openvino'"),
        ({"runtime": "onnxruntime"}, "does not go with a torch model"),
        ({"divice": "cpu"}, "no argument 'divice'"),
    ],
)
def test_wrong_placing_is_told(tiny: Make, placing: dict[str, str], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        wrap(tiny(), VIEW, name="tiny", **placing)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_an_absent_gpu_is_told(tiny: Make) -> None:
    with pytest.raises(ArgumentError, match="device 'cuda' is not there: torch sees 0 GPUs"):
        wrap(tiny(), VIEW, name="tiny", device="cuda")


def test_something_that_is_no_module_is_told() -> None:
    with pytest.raises(ArgumentError, match=r"must be a torch\.nn\.Module.*, was a int"):
        wrap(5, VIEW, name="f")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="mean= is not for f, which takes images as bytes"):
        wrap(lambda x: x, VIEW, name="f")  # type: ignore[arg-type]


def test_agreement_by_hand() -> None:
    reference = torch.tensor([[4.0, 1.0], [0.0, 2.0], [float("nan"), 0.0]])
    found = compare(reference + torch.tensor([[0.2, 0.0], [3.0, 0.0], [1.0, 1.0]]), reference)
    assert (found.max_error, found.top1, found.n) == (pytest.approx(0.75), 0.5, 2)
    assert not found.exact
    assert compare(reference, reference) == Agreement(0.0, 1.0, 2)
    assert replace(found, max_error=1e-4, top1=1.0).exact
    assert not replace(found, max_error=1e-4, top1=0.75).exact
    broken = reference.clone()
    broken[0, 0] = float("nan")
    assert compare(broken, reference).max_error == float("inf")


def test_streams_are_shared_out(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    before = classifier.runtimes.streams
    classifier.logits(noise(1))
    assert classifier.runtimes.streams == before >= 1
    assert wrap(tiny(), VIEW, name="tiny", device="cpu", runtime="torch").runtimes.streams == 1


def test_chunks_hold_few_images_unless_weights_are_heavy() -> None:
    from hardiness.models.preprocessing import Normalisation
    from hardiness.models.runtimes.openvino_cpu import chunk_images

    plan = Executable(
        "net", None, lambda own: None, Normalisation.from_view(VIEW), "cpu", "fp32", (224, 224), 30_000_000, 18_000_000
    )
    assert chunk_images(plan) == 2
    assert chunk_images(replace(plan, precision="bf16")) == 4
    assert chunk_images(replace(plan, weight_bytes=240_000_000)) == 8
    assert chunk_images(replace(plan, weight_bytes=10**12)) == 32
    assert chunk_images(replace(plan, activation_bytes=1_500_000, weight_bytes=1_100_000)) == 11, "ResNet-20 at 32 px"
    assert chunk_images(replace(plan, activation_bytes=1)) == 32


def test_a_network_too_large_to_be_compiled_runs_in_torch_and_says_so(
    tiny: Make, noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardiness.models.runtimes.openvino_cpu.free_memory", lambda: 1000)
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    classifier.logits(noise(2))
    assert classifier.runtimes.name == "torch"
    assert classifier.runtimes.agreement is not None
    assert "compiling needs about 0.0 GiB of memory" in str(classifier.runtimes.agreement.fallback)


def test_a_network_that_folding_and_layout_change_runs_as_it_stands(
    tiny: Make, noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, network = wrap(tiny(), VIEW, name="tiny", device="cpu", runtime="torch"), tiny()
    monkeypatch.setattr("hardiness.models.exactness.MAX_ERROR", -1.0)
    classifier = wrap(network, VIEW, name="tiny", device="cpu", runtime="torch")
    found = classifier.logits(noise(3))
    assert classifier.runtimes.agreement is not None
    assert "torch is not exact enough" in str(classifier.runtimes.agreement.fallback)
    assert "so the plain network runs" in str(classifier.runtimes.agreement.fallback)
    np.testing.assert_allclose(found, plain.logits(noise(3)), atol=1e-5 * np.abs(found).max())
    classifier.differentiable(noise(3))
