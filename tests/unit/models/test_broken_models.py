"""Models that fail, lie or misbehave: each is told in one line, and leaves the process as it was."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ArgumentError, DeviceError, ModelError, RefusedModelError
from hardiness.core.model import View
from hardiness.models.failures import PROCESS_STATE, foreign_errors, is_out_of_memory, well_behaved
from hardiness.models.loading import load, wrap
from hardiness.models.naming import resolve

Make = Callable[..., nn.Module]
Noise = Callable[..., Tensor]
VIEW = View(36, 32)
OWN = """
import os, sys, warnings, random
import numpy as np
import torch

class Own(Exception):
    pass

class Unsaid(BaseException):
    def __str__(self):
        raise RuntimeError("no message")

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 4)
        with torch.no_grad():
            self.head.weight.copy_(torch.arange(12.0).view(4, 3) / 7)

    def after(self, x):
        return x

    def forward(self, x):
        return self.after(self.head(x.mean((2, 3))))

def made(after):
    net = Net()
    net.after = after
    return net
"""


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], str]:
    """The name of a model whose factory has this body."""

    def write(body: str) -> str:
        file = tmp_path / "own.py"
        file.write_text(OWN + "\ndef net():\n" + "".join(f"    {line}\n" for line in body.splitlines()))
        return f"py:{file}:net:mean=0.485/0.456/0.406,std=0.229/0.224/0.225"

    return write


def _line(name: str, pixels: Tensor) -> str:
    with pytest.raises(ModelError) as caught:
        load(name, device="cpu").logits(pixels)
    message = str(caught.value)
    assert "\n" not in message
    assert "own.py" in message
    return message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("Own('mine')", "Own: mine"),
        ("Unsaid()", "Unsaid"),
        ("BaseException('bare')", "BaseException: bare"),
        ("MemoryError()", "MemoryError"),
        ("GeneratorExit()", "GeneratorExit"),
        ("SystemExit(0)", "SystemExit: 0"),
        ("ValueError('first\\nsecond')", "ValueError: first"),
        ("ValueError('\\x1b[31mred\\x07 \\x1b[0m')", r"ValueError: red\x07"),
        ("RuntimeError('x' * 10**6)", "x…"),
    ],
)
def test_whatever_is_raised_is_one_line(own: Callable[[str], str], noise: Noise, raised: str, said: str) -> None:
    in_factory = _line(own(f"raise {raised}"), noise(1))
    assert said in in_factory
    assert "net() failed" in in_factory
    assert "in net)" in in_factory
    in_forward = _line(own(f"def after(x):\n    raise {raised}\nreturn made(after)"), noise(1))
    assert said in in_forward
    assert "in after)" in in_forward
    later = _line(own(f"def after(x):\n    if len(x) > 1: raise {raised}\n    return x\nreturn made(after)"), noise(3))
    assert said in later


def test_a_person_s_own_break_passes(own: Callable[[str], str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(own("raise KeyboardInterrupt"), device="cpu")


def test_the_process_stays_as_it_was(own: Callable[[str], str], noise: Noise, capsys: Any) -> None:
    name = own(
        "net = Net()\n"
        "print('hello')\n"
        "torch.set_default_dtype(torch.float64)\n"
        "warnings.simplefilter('ignore')\n"
        "torch.set_grad_enabled(False)\n"
        "np.seterr(all='raise')\n"
        "np.random.seed(3); random.seed(3); torch.manual_seed(3)\n"
        "os.chdir('/')\n"
        "def after(x):\n"
        "    print('forward')\n"
        "    torch.set_default_dtype(torch.float64)\n"
        "    warnings.simplefilter('ignore')\n"
        "    return x\n"
        "net.after = after\n"
        "return net"
    )

    def state() -> tuple[Any, ...]:
        draws = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[union-attr] # noqa: NPY002
        filters = list(warnings.filters)
        return torch.get_default_dtype(), torch.is_grad_enabled(), np.geterr(), os.getcwd(), filters, draws, sys.stdout

    before = state()
    classifier = load(name, device="cpu")
    assert state() == before
    classifier.logits(noise(2))
    assert state() == before
    classifier.differentiable(noise(2))
    assert state() == before
    told = capsys.readouterr()
    assert told.out == "", "standard output carries results"
    assert "hello" in told.err


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("x.to(torch.complex64)", "floating-point numbers, returned complex64"),
        ("x.argmax(1, keepdim=True)", "floating-point numbers, returned int64"),
        ("{'scores': x}", "a mapping with keys scores"),
        ("x[:, :1]", "at least two classes apart, puts out 1"),
        ("x[:0]", "a row of logits for each of 1 images, returned 0"),
        ("x.repeat(2, 1)", "a row of logits for each of 1 images, returned 2"),
        ("torch.where(torch.arange(4) == 2, torch.nan, x)", "not finite: 1 of 4 classes are NaN or infinite"),
        ("x / 0", "not finite: 4 of 4 classes"),
        ("x - x.mean(0) if len(x) > 1 else x", "answers otherwise for an image alone"),
        # of 64 values: one draw in sixteen of four values is the next one again
        ("torch.nn.functional.dropout(x.repeat(1, 16), 0.5).unflatten(1, (16, 4)).sum(1)", "for an image alone"),
    ],
)
@pytest.mark.parametrize("n", [1, 5])
def test_outputs_that_are_no_logits_are_told(
    own: Callable[[str], str], noise: Noise, after: str, said: str, n: int
) -> None:
    assert said in _line(own(f"return made(lambda x: {after})"), noise(n))


def test_a_batch_norm_without_statistics_is_told(noise: Noise) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    classifier = wrap(network, VIEW, name="norms", device="cpu")
    for call in (classifier.logits, classifier.differentiable):
        with pytest.raises(ModelError, match="norms answers otherwise for an image alone than beside others"):
            call(noise(3))


class OwnStatistics(nn.Module):
    """Centres its logits by those of the batch, where that has more than four images."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))

    def forward(self, x: Tensor) -> Tensor:
        found = x.mean((2, 3)) * self.scale
        return found - found.mean(0) if len(x) > 4 else found


@pytest.mark.parametrize("runtime", ["auto", "torch"])
@pytest.mark.parametrize("route", ["logits", "plain_logits", "differentiable"])
def test_statistics_of_large_batches_are_told_on_every_route(route: str, runtime: str, noise: Noise) -> None:
    classifier = wrap(OwnStatistics(), VIEW, name="norms", device="cpu", runtime=runtime)
    call = getattr(classifier, route)
    assert len(call(noise(4))) == 4  # among so few each is treated on its own
    with pytest.raises(ModelError, match="norms answers otherwise for an image alone than in a batch of 8"):
        call(noise(8))


class EveryThird(nn.Module):
    """Shows the mirror image in every third pass: chance, which the report on an attack tells of."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.passes = nn.Parameter(torch.ones(3)), 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return (x if self.passes % 3 else x.flip(3))[:, :, 0, :3].mean(1) * self.scale


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_chance_is_not_taken_for_company(passes: int, noise: Noise) -> None:
    network = EveryThird()
    network.passes = passes
    classifier = wrap(network, VIEW, name="third", device="cpu")
    assert len(classifier.plain_logits(noise(8))) == 8


def test_statistics_of_large_batches_of_a_function_are_told(noise: Noise) -> None:
    def function(images: Any) -> Any:
        found = images.reshape(len(images), 3, -1).mean(2).astype(np.float32) - 100
        return found - found.mean(0) if len(images) > 4 else found

    with pytest.raises(ModelError, match="answers otherwise for an image alone than in a batch of 8"):
        wrap(function, VIEW, name="norms", device="cpu").logits(noise(8))


class Rounds(nn.Module):
    """Channel means that lose digits beside a large number, which depends on the company."""

    def __init__(self, cast: bool) -> None:
        super().__init__()
        self.scale, self.cast = nn.Parameter(torch.ones(3)), cast

    def forward(self, x: Tensor) -> Tensor:
        means, large = x.mean((2, 3)) * self.scale, 100 * x.abs().sum()
        if self.cast:
            means, large = means.float(), large.float()
        return (means + large) - large


def test_rounding_that_a_network_blows_up_is_no_company(noise: Noise) -> None:
    images = noise(3, 32)
    found = wrap(Rounds(cast=False), VIEW, name="rounds", device="cpu", runtime="torch").logits(images)
    assert np.isfinite(found).all()
    with pytest.raises(ModelError, match="cast answers otherwise for an image alone"):  # it cannot be shown
        wrap(Rounds(cast=True), VIEW, name="cast", device="cpu", runtime="torch").logits(images)


@pytest.mark.parametrize(("value", "where"), [(float("nan"), "head.weight"), (float("inf"), "bn1.running_var")])
def test_weights_that_are_not_finite_are_named(tiny: Make, value: float, where: str) -> None:
    network = tiny()
    with torch.no_grad():
        network.state_dict()[where].view(-1)[1] = value
    with pytest.raises(ModelError, match=rf"tiny has weights that are not finite: 1 of [\d,]+ numbers of {where}"):
        wrap(network, VIEW, name="tiny", device="cpu")


def test_a_mask_of_infinities_is_no_broken_weight(tiny: Make, noise: Noise) -> None:
    network = tiny()
    network.register_buffer("mask", torch.full((2, 2), float("-inf")))
    assert np.isfinite(wrap(network, VIEW, name="tiny", device="cpu").logits(noise(1))).all()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("mean=nan", "mean must be finite numbers"),
        ("mean=1e39", "mean must be finite numbers of at most 1,000,000"),
        ("std=inf", "std must be finite numbers"),
        ("std=1e-30", "std must be positive"),
        ("crop_px=1000000000", "crop_px must be a whole number of at least 1 and at most 8,192"),
        ("resize_px=1000000000000", "resize_px must be a whole number"),
        ("input_px=1000000000", "input_px must be a whole number"),
        ("crop_px=٢٢٤", "crop_px must be a whole number"),
    ],
)
def test_odd_numbers_in_options_are_told(option: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        resolve(f"alexnet:{option}")


@pytest.mark.slow
def test_an_image_too_small_for_the_network_is_one_line() -> None:
    with pytest.raises(ModelError, match=r"alexnet cannot be run on an image of 32 px: RuntimeError: .*small"):
        load("alexnet:crop_px=32,weights=random", device="cpu")


def test_images_that_are_nan_choose_no_runtime(tiny: Make, noise: Noise) -> None:
    classifier = wrap(tiny(), VIEW, name="tiny", device="cpu")
    assert np.isnan(classifier.logits(torch.full((2, 3, 32, 32), float("nan")))).all()
    assert classifier.runtimes.agreement is None
    assert np.isfinite(classifier.logits(noise(2))).all()
    assert classifier.runtimes.agreement is not None
    assert classifier.runtimes.agreement.n == 2


def test_memory_of_a_gpu_is_the_engine_s_affair(own: Callable[[str], str], noise: Noise) -> None:
    name = own(
        "def after(x):\n    if len(x) > 1: raise torch.OutOfMemoryError('too little')\n    return x\nreturn made(after)"
    )
    with pytest.raises(torch.OutOfMemoryError):
        load(name, device="cpu", runtime="torch").logits(noise(3))


LOST = "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported"


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: out of memory",
    ],
)
def test_libraries_of_a_gpu_that_lack_memory_are_told_apart(said: str) -> None:
    assert is_out_of_memory(RuntimeError(said))
    with pytest.raises(RuntimeError, match=r"STATUS|memory"), foreign_errors("m", "fails"):
        raise RuntimeError(said)


def test_a_gpu_that_is_lost_blames_no_model() -> None:
    assert not is_out_of_memory(RuntimeError(LOST))
    with (
        pytest.raises(DeviceError, match=r"can do nothing more in this process.*device-side assert"),
        foreign_errors("m", "fails"),
    ):
        raise RuntimeError(LOST)


def test_filters_that_another_thread_uses_are_left_to_it() -> None:
    with PROCESS_STATE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        within = list(warnings.filters)

        def forward() -> None:
            with well_behaved():
                pass

        thread = threading.Thread(target=forward)
        thread.start()
        thread.join()
        assert warnings.filters == within
    started, done = threading.Event(), threading.Event()

    def slow_forward() -> None:
        with well_behaved():
            started.set()
            done.wait()

    before = list(warnings.filters)
    thread = threading.Thread(target=slow_forward)
    with warnings.catch_warnings():
        thread.start()
        started.wait()
        with PROCESS_STATE:
            warnings.simplefilter("ignore")
            within = list(warnings.filters)
            done.set()
            thread.join()
            assert warnings.filters == within, "the thread that changed them is still at work"
    assert warnings.filters == before


@pytest.mark.parametrize("is_function", [True, False])
def test_what_was_refused_stays_refused(is_function: bool) -> None:
    """The next batch, whose pictures may not show the fault, was evaluated."""
    by_company = [1.0]

    class Company(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(2)[:, :, :5].flatten(1) * (1 + by_company[0] * (len(x) > 1))

    def answer(images: np.ndarray) -> np.ndarray:
        return np.asarray(images[:, :5].mean(2).reshape(len(images), -1) * (1 + by_company[0] * (len(images) > 1)))

    model = wrap(answer if is_function else Company(), VIEW, name="mine", device="cpu")
    first, second = torch.rand((2, 3, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    with pytest.raises(RefusedModelError, match="answers otherwise for an image alone") as refused:
        model.logits(first)
    by_company[0] = 0.0
    with pytest.raises(RefusedModelError) as again:
        model.logits(second)
    assert str(again.value) == str(refused.value)
