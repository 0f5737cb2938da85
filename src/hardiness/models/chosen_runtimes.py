"""The runtime of a model for each input size: the fastest that is exact enough on its first images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from hardiness.core.errors import ModelError
from hardiness.models.broken_models import Function, refuse_broken
from hardiness.models.catalogue import PlainFunction
from hardiness.models.exactness import REFERENCE_IMAGES, Agreement, Reference, compare
from hardiness.models.gradient_networks import GradientNetworks
from hardiness.models.logits import refuse_probabilities
from hardiness.models.original import Original
from hardiness.models.placement import ComputeSettings
from hardiness.models.runtimes import Executable, Runtime, runtimes
from hardiness.models.runtimes.function_runtime import FunctionRuntime
from hardiness.models.runtimes.onnx_runtime import OnnxRuntime

if TYPE_CHECKING:
    from torch import Tensor, nn


class ChosenRuntimes:
    """A runtime for each input size, chosen on the first images of that size."""

    def __init__(self, original: Original, gradients: GradientNetworks, placement: ComputeSettings) -> None:
        self._original, self._gradients, self._placement = original, gradients, placement
        self._by_size: dict[tuple[int, int], Runtime] = {}
        self._agreements: list[Agreement] = []

    def anew(self, gradients: GradientNetworks) -> ChosenRuntimes:
        """The runtimes before the first images."""
        return ChosenRuntimes(self._original, gradients, self._placement)

    @property
    def name(self) -> str:
        """The names of those in use; before the first images, of the one that will be tried first."""
        used = {runtime.name for runtime in self._by_size.values()}
        return "+".join(sorted(used)) if used else self._placement.candidates[0]

    @property
    def agreement(self) -> Agreement | None:
        """The worst agreement of those in use with plain fp32 torch; ``None`` before the first images."""
        return max(self._agreements, key=lambda a: (a.fallback is not None, a.max_error), default=None)

    @property
    def streams(self) -> int:
        """The number of calls that may usefully run at the same time."""
        used = self._by_size.values() or (runtimes.get(self._placement.candidates[0]),)
        return max(runtime.streams for runtime in used)

    def at(self, pixels: Tensor) -> Function:
        """From pixels of this size, in main memory, to all outputs ``(N, K)``, in main memory.

        Raises:
            ModelError: no runtime can run the model as asked, or its answers cannot be used.
        """
        size = (pixels.shape[2], pixels.shape[3])
        runtime = self._by_size.get(size)
        if runtime is None and self._original.has_gradients and not _any_finite(pixels[:REFERENCE_IMAGES]):
            return lambda images: self._original.plain(images).cpu()  # nothing to choose a runtime by
        if runtime is None:
            with self._original.lock, self._original.refusing():
                if size not in self._by_size:
                    self._by_size[size] = self._choose(pixels, size)
                runtime = self._by_size[size]
        return runtime

    def _choose(self, pixels: Tensor, size: tuple[int, int]) -> Runtime:
        """The first candidate that runs and, in fp32, agrees with the reference."""
        if isinstance(self._original.network, PlainFunction):
            return self._choose_function(pixels[:REFERENCE_IMAGES], size)
        if not self._original.has_gradients:
            return self._choose_for_onnx(pixels[:REFERENCE_IMAGES], size)
        original, fp32 = self._original, self._placement.precision == "fp32"
        reference = original.refer(pixels)
        plan = self._plan(size, reference)
        reasons: list[str] = []
        for name in self._placement.candidates:
            try:
                with original.foreign_errors(pixels):
                    runtime = runtimes.get(name)(plan)
                outputs = self._try(runtime, reference.pixels)
            except ModelError as error:
                reasons.append(f"{name}: {error}")
                continue
            refuse_probabilities(original.select(outputs), original.name)
            agreement = compare(outputs, reference.logits)
            if not fp32 or agreement.exact:
                self._agreements.append(replace(agreement, fallback="; ".join(reasons) or None))
                return runtime
            reasons.append(f"{name} is not exact enough: {agreement}")
        if "torch" in self._placement.candidates and fp32:
            runtime = runtimes.get("torch")(replace(plan, plain=True))  # the reference itself
            agreement = compare(runtime(reference.pixels), reference.logits)
            self._agreements.append(replace(agreement, fallback=f"{'; '.join(reasons)}; so the plain network runs"))
            return runtime
        raise ModelError(f"{original.name} cannot run as asked: {'; '.join(reasons)}")

    def _choose_function(self, first: Tensor, size: tuple[int, int]) -> Runtime:
        """The function itself, once it has answered for the first images as it must."""
        original = self._original
        runtime = FunctionRuntime(self._plan(size, None))
        expected = self._try(runtime, first)
        refuse_broken(runtime, first, expected, original.name)
        if not original.network.outputs:
            refuse_probabilities(original.select(expected), original.name)
        self._agreements.append(Agreement(0.0, 1.0, 0))  # it is its own reference
        return runtime

    def _choose_for_onnx(self, first: Tensor, size: tuple[int, int]) -> Runtime:
        """ONNX Runtime on a GPU where it agrees there with itself on the CPU, else on the CPU."""
        original, plan = self._original, self._plan(size, None)
        runtime = cast(type[OnnxRuntime], runtimes.get(self._placement.candidates[0]))
        try:
            on_cpu = runtime(replace(plan, device="cpu"))
            expected = self._try(on_cpu, first)
        except ModelError as error:
            raise ModelError(f"{original.name} cannot run as asked: onnxruntime: {error}") from None
        refuse_broken(on_cpu, first, expected, original.name)
        refuse_probabilities(original.select(expected), original.name)
        if plan.device == "cpu":
            self._agreements.append(Agreement(0.0, 1.0, 0))  # it is its own reference
            return on_cpu
        try:
            on_gpu = runtime(plan)
            agreement = compare(self._try(on_gpu, first), expected)
            if agreement.exact or on_cpu.in_half_precision:
                self._agreements.append(agreement)
                return on_gpu
            reason = f"onnxruntime on {plan.device} is not exact enough: {agreement}"
        except ModelError as error:
            agreement, reason = Agreement(0.0, 1.0, len(first)), f"onnxruntime on {plan.device}: {error}"
        self._agreements.append(replace(agreement, fallback=f"{reason}; so it runs on the CPU"))
        return on_cpu

    def _try(self, runtime: Runtime, first: Tensor) -> Tensor:
        with self._original.foreign_errors(first):
            return runtime(first)

    def _plan(self, size: tuple[int, int], reference: Reference | None) -> Executable:
        original = self._original

        def make_folded(own: bool) -> nn.Module:
            assert reference is not None
            if own:
                return original.folded(reference, norms=not self._placement.plain)
            return self._gradients.at(reference.pixels, reference)

        return Executable(
            name=original.name,
            network=original.network,
            folded=make_folded,
            affine=original.affine,
            device=self._placement.device,
            precision=self._placement.precision,
            px=size,
            activation_bytes=original.activation_bytes(max(size)),
            weight_bytes=4 * original.num_parameters,
        )


def _any_finite(pixels: Tensor) -> bool:
    return bool(pixels.isfinite().flatten(1).all(1).any())
