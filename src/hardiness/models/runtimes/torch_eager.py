"""PyTorch itself: channels-last where that is faster, folded norms where that is exact, full fp32 or autocast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.models.determinism import full_fp32
from hardiness.models.logits import logits_of
from hardiness.models.memory_layout import in_faster_layout, layout_of
from hardiness.models.preprocessing import link_to
from hardiness.models.runtimes import Executable, runtimes

if TYPE_CHECKING:
    from torch import Tensor, nn


@runtimes.add("torch")
class TorchRuntime:
    """Runs the folded network, or the plain one where the plan says so, on the plan's device.

    In low precision, kernels of convolutions and linear layers are stored in it once and autocast decides about the
    rest, so that norms and softmax keep fp32.
    """

    name = "torch"
    summary = "Runs the folded network, or the plain one, on any device of torch."
    streams = 1

    def __init__(self, plan: Executable) -> None:
        import torch

        self._plan = plan
        self._low = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(plan.precision)
        self._network: nn.Module = plan.network if plan.plain else plan.folded(self._low is not None)
        if self._low is not None:
            for module in self._network.modules():
                if type(module) in (torch.nn.Conv2d, torch.nn.Linear):
                    module.to(self._low)
            if not plan.plain:  # half precision may be faster in another layout than fp32, which was tried
                self._network = in_faster_layout(self._network, self._outputs, plan.px, torch.device(plan.device))
        on_cpu = torch.device(plan.device).type == "cpu"
        copied = torch.channels_last if on_cpu else layout_of(self._network)
        self._layout = torch.contiguous_format if plan.plain else copied

    def __call__(self, pixels: Tensor) -> Tensor:
        """All outputs, float32 ``(N, outputs)`` in main memory."""
        import torch

        device = torch.device(self._plan.device)
        with torch.inference_mode():
            logits = self._outputs(pixels.to(device, non_blocking=True, memory_format=self._layout))
        return link_to(self._plan.device).fetch(logits)

    def _outputs(self, pixels: Tensor) -> Tensor:
        """All outputs, float32 ``(N, outputs)`` on the device, for pixels there."""
        import torch

        device = torch.device(self._plan.device)
        autocast = torch.autocast(device.type, dtype=self._low, enabled=self._low is not None)
        with full_fp32(device), autocast:
            return logits_of(self._network(self._plan.affine(pixels)), self._plan.name).float()
