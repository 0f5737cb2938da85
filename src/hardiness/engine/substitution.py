"""Networks in which one module's backward pass is a given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ArgumentError, suggestion
from hardiness.engine.backward_pass import given_backward

if TYPE_CHECKING:
    from torch import Tensor, nn


def substitute(network: nn.Module, bpda: str) -> nn.Module:
    """A copy of ``network`` in which one module's backward pass is the given one; the forward pass is the same.

    Args:
        network: any.
        bpda: ``MODULE`` for the identity, which fits modules that hardly change their input, as JPEG does; or
            ``MODULE=FILE.py:FUNCTION`` with a function of `hardiness.engine.backward_pass.Backward`.

    Raises:
        ArgumentError: there is no such module, file or function.

    Source: Athalye et al. (2018), arXiv:1802.00420, section 4.1.
    """
    import copy

    import torch

    name = bpda.partition("=")[0]
    modules = dict(network.named_modules())
    if name not in modules or not name:
        names = sorted(filter(None, modules))
        raise ArgumentError(f"bpda names no module {name!r} of this model{suggestion(name, names)}")
    replacement = given_backward(bpda)
    backward = replacement[0] if replacement else _identity
    result = copy.deepcopy(network)

    class SubstituteGradient(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            output: Tensor = module(x.detach())
            return output.clone()

        @staticmethod
        def backward(ctx: Any, slope: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return backward(x, slope)

    class SubstituteModule(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            output: Tensor = SubstituteGradient.apply(x)  # type: ignore[no-untyped-call]
            return output

    module = result.get_submodule(name)
    result.set_submodule(name, SubstituteModule())
    return result


def _identity(values: Tensor, slope: Tensor) -> Tensor:
    if slope.shape != values.shape:
        raise ArgumentError(
            f"bpda: the module turns {tuple(values.shape)} into {tuple(slope.shape)}, so the identity is no backward "
            "pass for it; give one, as bpda=MODULE=FILE.py:FUNCTION"
        )
    return slope
