"""The network as it was built, with its own preprocessing: plain fp32 torch, what everything else is held against."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hardiness.core import ModelError
from hardiness.models.catalogue import OnnxFile
from hardiness.models.execution.agreement import REFERENCE_IMAGES, compare
from hardiness.models.execution.arithmetic import full_fp32
from hardiness.models.execution.convolution_readers import observed_pass
from hardiness.models.execution.folding import NORMS, folded
from hardiness.models.execution.reference import Reference, refuse_broken
from hardiness.models.failures import contained, told, well_behaved
from hardiness.models.outputs import logits_of, refuse_probabilities
from hardiness.models.preprocessing import Normalisation

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Original:
    """A network that is never changed, and copies of it that must answer as it does.

    Attributes:
        network: in evaluation mode, on ``device``; or an ONNX file, which has no gradients.
        name: of the model, for messages.
        affine: from pixels in [0, 1] to what the network reads.
        device: a torch device.
        columns: which outputs are the classes, in order; ``None`` for all of them.
        lock: held while hooks are on the network, or a copy of it is chosen.
    """

    network: Any
    name: str
    affine: Normalisation
    device: str
    columns: tuple[int, ...] | None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def has_gradients(self) -> bool:
        """Whether it is a torch network."""
        return not isinstance(self.network, OnnxFile)

    @property
    def num_parameters(self) -> int:
        """Learnable ones; 0 for ONNX."""
        return sum(p.numel() for p in self.network.parameters()) if self.has_gradients else 0

    def need_gradients(self, wanted: str) -> None:
        """Raise an error unless it has gradients.

        Raises:
            ModelError: it runs in ONNX Runtime; the message names what was wanted.
        """
        if not self.has_gradients:
            raise ModelError(
                f"{self.name} runs in ONNX Runtime and has no gradients, so no {wanted}; use a torch model"
            )

    def select(self, outputs: Tensor) -> Tensor:
        """The columns of the classes, ``(N, num_classes)``."""
        return outputs if self.columns is None else outputs[:, list(self.columns)]

    def through(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """Pixels on ``device`` to all outputs ``(N, K)`` of a copy of the network, by torch autograd."""
        return lambda pixels: logits_of(network(self.affine(pixels)), self.name, len(pixels))

    def logits(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """As `through`, but to the columns of the classes, and with errors that name the model."""
        outputs_of = self.through(network)

        def logits(pixels: Tensor) -> Tensor:
            with self.told(pixels):
                return self.select(outputs_of(pixels))

        return logits

    def plain(self, pixels: Tensor) -> Tensor:
        """All outputs ``(N, K)`` on ``device`` by eager fp32 torch, nothing folded, without graph."""
        import torch

        given = pixels.detach().to(self.device)
        with torch.no_grad(), full_fp32(given.device):
            return self.through(self.network)(given).float()

    def _in_fp64(self) -> Callable[[Tensor], Tensor]:
        """As `plain`, by a copy of the network in fp64; it fails where the network casts to fp32 itself."""
        import torch

        network = copy.deepcopy(self.network).double()

        def outputs(pixels: Tensor) -> Tensor:
            with torch.no_grad():
                given = self.affine(pixels.to(self.device)).double()
                return logits_of(network(given), self.name, len(pixels)).cpu()

        return outputs

    def refer(self, pixels: Tensor, *, random: bool = False) -> Reference:
        """What it gives on the first images, in main memory, once it has shown that it can be trusted.

        Args:
            pixels: float32 ``(N, 3, H, W)``.
            random: it may draw at random: defences do, and whoever attacks one tells so.

        Raises:
            ModelError: it fails, or its answers cannot be used; the message says why.
        """
        first = pixels[:REFERENCE_IMAGES].detach().contiguous().cpu()

        def outputs_of(given: Tensor) -> Tensor:
            return self.plain(given).cpu()

        with self.lock, self.told(first), contained():
            with observed_pass(self.network, NORMS) as observed:
                outputs = outputs_of(first)
            refuse_probabilities(self.select(outputs), self.name)
            if not random or bool(outputs_of(first).equal(outputs)):
                refuse_broken(outputs_of, first, outputs, self.name, self._in_fp64)
        return Reference(first, outputs, observed.once())

    def folded(self, reference: Reference, *, norms: bool = True) -> nn.Module:
        """A copy in channels-last memory, its norms folded where that changes nothing that matters."""
        import torch

        for pairs in (reference.foldable, {}) if norms else ():
            network = folded(self.network, pairs).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            if self.exact(network, reference):
                return network  # type: ignore[no-any-return]
        return folded(self.network, {})

    def exact(self, network: nn.Module, reference: Reference) -> bool:
        """Whether a copy gives the reference's logits, to what rounding may change."""
        import torch

        with torch.no_grad(), full_fp32(torch.device(self.device)):
            outputs = self.through(network)(reference.pixels.to(self.device))
        return compare(outputs.float().cpu(), reference.logits).exact

    @contextmanager
    def told(self, pixels: Tensor) -> Iterator[None]:
        """Within, foreign errors become one line that names the model, and a person's own file changes nothing."""
        height, width = pixels.shape[2:]
        aside = well_behaved() if self.name.startswith("py:") else nullcontext()
        with told(self.name, f"fails on {len(pixels)} images of {height} x {width} px"), aside:
            yield
