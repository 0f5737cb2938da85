"""Whether a faster form of a network computes what plain fp32 torch computes, and the forms that are tried."""

from __future__ import annotations

import copy
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ModelError, RefusedModelError
from hardiness.core.process import keep_freed_memory
from hardiness.models.failures import is_out_of_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def with_the_same_tensors(network: nn.Module) -> nn.Module:
    """A copy whose layers can be exchanged while ``network`` keeps its own; all parameters and buffers are shared."""
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})


GRADIENTS_VERSION = 1
"""Part of the key of every attack; raised when gradients are computed otherwise, beyond rounding."""


class _Switches:
    """Switches of the process: turned by the first thread that needs them so, put back by the last.

    All who turn them turn them the same way, so no thread has to wait for another one. A lock held meanwhile would: a
    thread that holds it and waits for a backward pass waits for autograd's one thread of the device, which may be in
    another model's backward pass and wait for that lock.

    Args:
        turn: turns them, and leaves with the stack how each was before.
    """

    def __init__(self, turn: Callable[[ExitStack], None]) -> None:
        self._turn, self._turning = turn, threading.Lock()
        self._threads_inside = 0
        self._before = ExitStack()

    def __enter__(self) -> None:
        with self._turning:
            if not self._threads_inside:
                self._turn(self._before)
            self._threads_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._turning:
            self._threads_inside -= 1
            if not self._threads_inside:
                self._before.close()


def _ask_for_full_fp32(before: ExitStack) -> None:
    import torch

    before.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False))
    before.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
    torch.set_float32_matmul_precision("highest")


_NO_SUCH_KERNEL = "|".join(
    (
        ".*does not have a deterministic implementation",
        ".*defaults to a non-deterministic algorithm",
        "Deterministic behavior was enabled with either",
    )
)
"""How the warnings of torch begin, one a call, about layers that have no deterministic backward pass on a GPU."""


def _ask_for_determinism(before: ExitStack) -> None:
    """Have every layer's backward pass add up in one order, where torch has a kernel that does; else as it can.

    Attention goes without the kernel for fp32 whose backward pass has no such order. Source: torch's manual of
    `torch.use_deterministic_algorithms`, which lists the layers.
    """
    import torch

    now = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    before.callback(torch.use_deterministic_algorithms, now[0], warn_only=now[1])
    filling: Any = torch.utils.deterministic
    before.callback(setattr, filling, "fill_uninitialized_memory", filling.fill_uninitialized_memory)
    attention: Any = torch.backends.cuda
    before.callback(attention.enable_mem_efficient_sdp, attention.mem_efficient_sdp_enabled())
    warnings.filterwarnings("ignore", _NO_SUCH_KERNEL, UserWarning)  # it stays: foreign code may reset the list
    torch.use_deterministic_algorithms(True, warn_only=True)
    filling.fill_uninitialized_memory = False  # every element is written here
    attention.enable_mem_efficient_sdp(False)


_FULL_FP32, _DETERMINISM = _Switches(_ask_for_full_fp32), _Switches(_ask_for_determinism)


@contextmanager
def same_every_time(device: torch.device) -> Iterator[None]:
    """Within: gradients are added up in the same order each time, wherever torch can; see `full_fp32` for the rest."""
    if device.type != "cuda":
        yield
        return
    with _DETERMINISM:
        yield


@contextmanager
def full_fp32(device: torch.device) -> Iterator[None]:
    """Within: no TF32 in matrix products and convolutions, deterministic kernels; afterwards everything as before.

    The switches are the process's, so other threads compute in full fp32 meanwhile. Nothing happens on a CPU.
    """
    if device.type != "cuda":
        yield
        return
    with _FULL_FP32:
        yield


def differentiable_fp32(function: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    """``function(pixels)`` whose forward *and* backward pass run in full fp32; first derivatives only on a GPU."""
    (output,) = differentiable_outputs(lambda given: (function(given),), pixels)
    return output


def differentiable_outputs(function: Callable[[Tensor], tuple[Tensor, ...]], pixels: Tensor) -> tuple[Tensor, ...]:
    """`differentiable_fp32` of a function that returns several tensors.

    The backward pass runs long after a ``with`` block is left, so on a GPU it is wrapped as well.
    """
    if pixels.is_cuda:
        return _guarded(function, pixels)
    keep_freed_memory()
    return function(pixels)


def _guarded(function: Callable[[Tensor], tuple[Tensor, ...]], pixels: Tensor) -> tuple[Tensor, ...]:
    import torch

    class FullFp32(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: Tensor) -> tuple[Tensor, ...]:
            with torch.enable_grad(), full_fp32(given.device), same_every_time(given.device):
                ctx.given = given.detach().requires_grad_(given.requires_grad)
                outputs = function(ctx.given)
            # Saved, so that their graph goes as any graph does: when the last gradient that was asked for is there,
            # and not when the caller lets go of the outputs, which is a step later.
            ctx.save_for_backward(*outputs)
            return tuple(output.detach() for output in outputs)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            with full_fp32(ctx.given.device), same_every_time(ctx.given.device):
                # Several gradients may be asked for, as FAB does: whoever asks for them says which is the last.
                (gradient,) = torch.autograd.grad(ctx.saved_tensors, ctx.given, gradients, retain_graph=True)
            result: Tensor = gradient
            return result

    result: tuple[Tensor, ...] = FullFp32.apply(pixels)  # type: ignore[no-untyped-call]
    return result


MAX_ERROR = 1e-4
"""Largest max|Δ| / max|logit| that a runtime may have in fp32."""

MAX_GRADIENT_ERROR = 1e-2
"""Largest |Δ| / |gradient|, Euclidean, of a network that gradients may go through: kinks close by move by rounding."""

REFERENCE_IMAGES = 4
"""How many of the first images a runtime is compared on."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A runtime against plain, unfolded, eager fp32 torch on the first images it was given.

    Attributes:
        max_error: max|Δ| / max|logit|.
        top1: share of images with the same top-1 class.
        n: images compared; 0 where nothing was, as for ONNX, whose runtime is its own reference.
        fallback: why a faster runtime is not used, or ``None``.
    """

    max_error: float
    top1: float
    n: int
    fallback: str | None = None

    @property
    def exact(self) -> bool:
        """Whether images were compared and are close enough for fp32: `MAX_ERROR`, and every top-1 equal."""
        return self.n > 0 and self.max_error <= MAX_ERROR and self.top1 == 1.0

    def __str__(self) -> str:
        return f"max|Δ|/max|logit| {self.max_error:.1e}, {self.top1:.0%} of {self.n} top-1 equal"


def compare(logits: Tensor, reference: Tensor) -> Agreement:
    """Agreement of logits ``(n, K)`` with the reference's.

    A row that is not finite in the reference is not counted, but it must not be finite in ``logits`` either: there
    a runtime would answer where the network does not.

    Raises:
        ModelError: the shapes differ.
    """
    if logits.shape != reference.shape:
        raise ModelError(
            f"a runtime returned logits {tuple(logits.shape)} where torch returns {tuple(reference.shape)}"
        )
    rows = reference.isfinite().all(1)
    invented = bool(logits[~rows].isfinite().all(1).any())
    logits, reference = logits[rows].double(), reference[rows].double()
    if not len(reference):
        return Agreement(float("inf"), 0.0, 0)
    scale = max(reference.abs().max().item(), 1e-30)
    error = (logits - reference).abs().max().item() / scale
    top1 = (logits.argmax(1) == reference.argmax(1)).double().mean().item()
    # A NaN compares false with everything, so it must not pass as a small error.
    return Agreement(float("inf") if invented or error != error else error, top1, len(reference))


def same_gradient(logits: Callable[[Tensor], Tensor], reference: Callable[[Tensor], Tensor], pixels: Tensor) -> bool:
    """Whether two functions of pixels to logits ``(n, K)`` have the same gradient of each image's largest logit."""
    import torch

    def gradient(function: Callable[[Tensor], Tensor]) -> Tensor:
        given = pixels.detach().requires_grad_()
        with torch.enable_grad():
            outputs = function(given)
            if not outputs.requires_grad:
                return torch.zeros_like(pixels)
            (slope,) = torch.autograd.grad(outputs.amax(1).sum(), given, allow_unused=True)
        return torch.zeros_like(pixels) if slope is None else slope

    one, other = gradient(logits).double(), gradient(reference).double()
    if not bool(other.isfinite().all()):
        return True
    return float((one - other).norm()) <= MAX_GRADIENT_ERROR * float(other.norm())


Function = Callable[["Tensor"], "Tensor"]

MOST_APART = 1e-2
"""Largest max|Δ| / max|logit| by which one image's logits may move when other images are computed with it."""


@dataclass(frozen=True)
class Reference:
    """Plain fp32 torch on the first images of one size, and which norms follow which convolutions."""

    pixels: Tensor
    logits: Tensor
    foldable: dict[str, str]


ROUNDING = 1e-6
"""The same in fp64: what rounding alone does there, even to a network that makes much of it in fp32."""


def refuse_broken(
    outputs: Function, first: Tensor, logits: Tensor, name: str, in_fp64: Callable[[], Function | None] = lambda: None
) -> None:
    """Raise an error unless the logits are numbers and each image is treated on its own.

    Args:
        outputs: float32 pixels ``(n, 3, H, W)`` in main memory to logits ``(n, K)``.
        first: pixels of the first images.
        logits: what ``outputs`` gave for them.
        name: the model's.
        in_fp64: makes the same function in fp64, where there is one: random weights can blow rounding up, and then
            an image's logits move with its company, which changes how they are rounded and nothing else.

    Raises:
        RefusedModelError: no image that is finite has finite logits, or the first one's change with its company.
    """
    fine = first.isfinite().flatten(1).all(1)
    if not bool(fine.any()):
        return
    finite = logits[fine].isfinite()
    if not bool(finite.all(1).any()):
        lost = int((~finite).any(0).sum())
        raise RefusedModelError(
            f"{name} gives logits that are not finite: {lost} of {finite.shape[1]} classes are NaN or infinite in the "
            f"first {len(finite)} images; look at its weights, mean and std"
        )
    at = int((fine & logits.isfinite().all(1)).int().argmax())
    apart = _apart(outputs, first, logits, at)
    if not apart <= MOST_APART and not _by_rounding_alone(in_fp64(), first, at):
        raise RefusedModelError(
            f"{name} answers otherwise for an image alone than beside others (logits differ by {apart:.0%} of the "
            "largest), so its results would depend on the batch size, or on chance: is there a batch norm without "
            "running statistics, or dropout that stays on in evaluation?"
        )


REPEATS = 3
"""Further passes of an image by which chance is told from company, also one that shows in every third pass."""


def refuse_company(
    outputs: Function, pixels: Tensor, found: Tensor, name: str, in_fp64: Callable[[], Function | None] = lambda: None
) -> None:
    """Raise an error where a whole batch changes what an image is answered alone, as `refuse_broken` does of few.

    A network may treat small batches picture by picture, and large ones by statistics of their own.

    Args:
        outputs, name, in_fp64: as there; a network that draws at random is let through, as others tell of it.
        pixels: a batch, as large as batches have been so far.
        found: what ``outputs`` gave for it.

    Raises:
        RefusedModelError: the logits of its first image that has finite ones are others without company.
    """
    fine = pixels.isfinite().flatten(1).all(1).cpu() & found.isfinite().all(1).cpu()
    if not bool(fine.any()):
        return
    at = int(fine.int().argmax())
    image = pixels[at : at + 1]

    def apart(beside: Tensor, alone: Tensor) -> float:
        return float((beside[at] - alone[0]).abs().max() / beside[at].abs().max().clamp(min=1e-30))

    alone = outputs(image)
    if apart(found, alone) <= MOST_APART or any(not bool(outputs(image).equal(alone)) for _ in range(REPEATS)):
        return
    exact = in_fp64()
    with suppress(Exception):  # whatever it raises, it does not take fp64
        if exact is not None and apart(exact(pixels), exact(image)) <= ROUNDING:
            return
    raise RefusedModelError(
        f"{name} answers otherwise for an image alone than in a batch of {len(pixels)}, so its results would depend on "
        "the batch size: does it use statistics of its batch?"
    )


def _apart(outputs: Function, first: Tensor, found: Tensor, at: int) -> float:
    """How far one image's logits move, in units of the largest, between a batch of its own and one with others."""
    import torch

    image, before = first[at : at + 1], found[at]
    company = torch.cat([image, (1 - image).flip(3)])  # with an image that looks otherwise
    after = outputs(company if len(first) == 1 else image)[0]
    return float((after - before).abs().max() / before.abs().max().clamp(min=1e-30))


def _by_rounding_alone(exact: Function | None, first: Tensor, at: int) -> bool:
    """Whether the image's logits stay the same in fp64; not known, so no, where the network takes no fp64."""
    if exact is None:
        return False
    try:
        return _apart(exact, first, exact(first), at) <= ROUNDING
    except Exception:  # noqa: BLE001  # whatever it raises, it does not take fp64
        return False


NORMS = frozenset(("torch.nn.modules.batchnorm.BatchNorm2d", "timm.layers.norm_act.BatchNormAct2d"))
"""Layers that can be folded into the convolution before them."""


def folded(network: nn.Module, pairs: dict[str, str]) -> nn.Module:
    """A copy of ``network`` in which each norm of ``pairs`` is folded into its convolution; same values, less work.

    Without pairs it is a plain copy. The pairs are what one pass showed, which proves nothing about other readers of a
    convolution's output; the caller compares the result with the original.
    """
    from torch import nn

    result = copy.deepcopy(network)
    for norm_name, conv_name in pairs.items():
        norm: Any = result.get_submodule(norm_name)
        if norm.running_mean is None:
            continue
        _fold(result.get_submodule(conv_name), norm)
        rest = [part for part in (getattr(norm, "drop", None), getattr(norm, "act", None)) if part is not None]
        result.set_submodule(norm_name, nn.Sequential(*rest) if rest else nn.Identity())
    if pairs:
        _leave_inputs_alone(result)
    return result


LAYOUT_IMAGES, LAYOUT_TRIES = 16, 3
"""Images of noise in a forward pass that tries a memory layout, and how many are timed after one that warms up."""

LEAST_GAIN = 1.05
"""Channels-last must be so many times as fast as the layout that a network is built in: less may be noise."""


def in_faster_layout(
    network: nn.Module, once: Callable[[Tensor], object], px: tuple[int, int], device: torch.device
) -> nn.Module:
    """The network itself in channels-last memory, or on a GPU in the faster layout, each tried once with noise.

    Args:
        network: a copy that may be changed.
        once: one forward pass of it, on pixels on ``device``.
        px: height and width of the images.
        device: where it computes; on a CPU nothing is tried, as nothing was faster there.
    """
    import torch

    if device.type == "cpu":
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(LAYOUT_IMAGES, 3, *px, generator=generator).to(device)
    seconds = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        network.to(memory_format=layout)  # type: ignore[call-overload]
        seconds[layout] = seconds_of(once, noise.to(memory_format=layout), device)
    gain = seconds[torch.contiguous_format] / seconds[torch.channels_last]
    chosen = torch.channels_last if gain >= LEAST_GAIN else torch.contiguous_format
    return network.to(memory_format=chosen)  # type: ignore[call-overload,no-any-return]


def seconds_of(once: Callable[[Tensor], object], pixels: Tensor, device: torch.device) -> float:
    """Seconds of a few passes on a GPU, after one that warms up; infinite where its memory is too small for them."""
    import torch

    try:
        with torch.no_grad():
            once(pixels)
            torch.cuda.synchronize(device)
            begin = time.perf_counter()
            for _ in range(LAYOUT_TRIES):
                once(pixels)
            torch.cuda.synchronize(device)
        return time.perf_counter() - begin
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return math.inf


def layout_of(network: nn.Module) -> torch.memory_format:
    """The memory layout of a network's kernels, in which it is given images; that of a plain tensor if it has none."""
    import torch

    kernels = [tensor for tensor in network.parameters() if tensor.ndim == 4 and not tensor.is_contiguous()]
    return torch.channels_last if kernels else torch.contiguous_format


def _leave_inputs_alone(network: nn.Module) -> None:
    """Let activations not work in place, but ReLU: they need their input for the gradient, so torch would copy it."""
    from torch import nn

    for module in network.modules():
        if getattr(module, "inplace", False) is True and not isinstance(module, nn.ReLU):
            module.inplace = False  # type: ignore[assignment]


def _fold(conv: Any, norm: Any) -> None:
    """Source: batch norm in evaluation is y = (x - mean) / sqrt(var + eps) * weight + bias, per channel."""
    import torch
    from torch import nn

    with torch.no_grad():
        scale = (norm.running_var.double() + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * norm.weight.double()
        shift = -norm.running_mean.double()
        if conv.bias is not None:
            shift = shift + conv.bias.double()
        shift = shift * scale
        if norm.bias is not None:
            shift = shift + norm.bias.double()
        dtype = conv.weight.dtype
        kernel = conv.weight * scale.to(dtype).view(-1, 1, 1, 1)
        conv.weight = nn.Parameter(kernel, requires_grad=False)
        conv.bias = nn.Parameter(shift.to(dtype), requires_grad=False)


SAME_CONVOLUTION = "timm.layers.conv2d_same.Conv2dSame"
CONVOLUTIONS = frozenset(("torch.nn.modules.conv.Conv2d", SAME_CONVOLUTION))
"""Layers whose output is linear in their stored kernel; weight-standardised and other clever ones are left alone."""


@dataclass
class PassObservation:
    """What was seen during one forward pass.

    Attributes:
        pairs: which reader took its input straight from which convolution, by name.
        shapes: of what each convolution read, last.
        calls: how often each reader and convolution ran.
    """

    pairs: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def once(self) -> dict[str, str]:
        """Reader to convolution, by name, where both ran exactly once."""
        return {reader: conv for reader, conv in self.pairs.items() if self.calls[reader] == 1 == self.calls[conv]}


@contextmanager
def observed_pass(network: nn.Module, readers: frozenset[str]) -> Iterator[PassObservation]:
    """Observe one forward pass of ``network`` without gradients.

    Args:
        network: anything; its convolutions are those of `CONVOLUTIONS`.
        readers: full names of the classes of layers that are looked for behind them.
    """
    observed = PassObservation()
    last: list[tuple[str, Tensor, int]] = []

    def reads(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            observed.calls[name] = observed.calls.get(name, 0) + 1
            if last and inputs and inputs[0] is last[0][1] and changes(inputs[0]) == last[0][2]:
                observed.pairs[name] = last[0][0]
            last.clear()

        return hook

    def convolves(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            observed.calls[name] = observed.calls.get(name, 0) + 1
            observed.shapes[name] = tuple(inputs[0].shape)
            last[:] = [(name, output, changes(output))]

        return hook

    with ExitStack() as stack:
        for name, module in network.named_modules():
            kind = kind_of(module)
            if kind in readers:
                stack.callback(module.register_forward_pre_hook(reads(name)).remove)
            elif kind in CONVOLUTIONS:
                stack.callback(module.register_forward_hook(convolves(name)).remove)
        yield observed


def kind_of(module: nn.Module) -> str:
    """Full name of the module's class, which needs no import of its package."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


def changes(output: Tensor) -> int:
    """How often a tensor was written to in place: with a shortcut added to it, it is no layer's output any more."""
    return 0 if output.is_inference() else output._version


def evenly_padded(network: nn.Module) -> nn.Module:
    """The network itself, its depthwise "same" convolutions padded alike on both sides; the same values.

    Where such a convolution pads one side by one more, it is given a padded copy of its input, which takes as long as
    the convolution. Padded on both sides by the larger number, under a kernel with a row and a column of zeros in
    front, it needs none. Padding depends on the size of the input, so both are found anew in every pass.

    Args:
        network: a copy that may be changed, whose weights want no gradient.
    """
    for name, module in list(network.named_modules()):
        if kind_of(module) == SAME_CONVOLUTION and _can_be(module):
            network.set_submodule(name, _evenly(module))
    return network


def _can_be(conv: Any) -> bool:
    """Whether it is depthwise, where a tap more costs little, and not dilated, where a tap is more than a pixel."""
    return bool(conv.groups == conv.in_channels and set(conv.dilation) == {1})


def _evenly(conv: Any) -> nn.Module:
    from torch import nn
    from torch.nn import functional

    class EvenPadding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = conv

        def forward(self, x: Tensor) -> Tensor:
            (height, top), (width, left) = (
                even_padding(size, taps, stride)
                for size, taps, stride in zip(x.shape[2:], conv.kernel_size, conv.stride, strict=True)
            )
            kernel = functional.pad(conv.weight, (left, 0, top, 0)) if top or left else conv.weight
            return functional.conv2d(x, kernel, conv.bias, conv.stride, (height, width), groups=conv.groups)

    return EvenPadding()


def even_padding(size: int, taps: int, stride: int) -> tuple[int, int]:
    """Pixels on both sides, and zeros in front of the kernel, that do what "same" padding of one axis does.

    Source: TensorFlow's SAME, as in timm: ceil(size / stride) outputs, and where the pixels to be added are odd in
    number, one more at the end.
    """
    outputs = -(-size // stride)
    missing = max((outputs - 1) * stride + taps - size, 0)
    return missing - missing // 2, missing % 2
