"""BPDA: one module of a model whose backward pass is given by the user, for attacks alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core import ArgumentError, suggestion

if TYPE_CHECKING:
    from torch import Tensor, nn

Backward = Callable[["Tensor", "Tensor"], "Tensor"]
"""From what the module was given and the gradient of what it put out, to the gradient of what it was given."""


def substitute(network: nn.Module, asked: str) -> nn.Module:
    """A copy of ``network`` in which one module's backward pass is the given one; the forward pass is the same.

    Args:
        network: any.
        asked: ``MODULE`` for the identity, which fits modules that hardly change their input, as JPEG does; or
            ``MODULE=FILE.py:FUNCTION`` with a function of `Backward`.

    Raises:
        ArgumentError: there is no such module, file or function.

    Source: Athalye et al. (2018), arXiv:1802.00420, section 4.1.
    """
    import copy

    import torch

    name, _, given = asked.partition("=")
    modules = dict(network.named_modules())
    if name not in modules or not name:
        known = sorted(filter(None, modules))
        raise ArgumentError(f"bpda names no module {name!r} of this model{suggestion(name, known)}")
    backward = _function(given) if given else _identity
    result = copy.deepcopy(network)

    class Substituted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            found: Tensor = module(x.detach())
            return found.clone()

        @staticmethod
        def backward(ctx: Any, slope: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return backward(x, slope)

    class Wrapped(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = Substituted.apply(x)  # type: ignore[no-untyped-call]
            return found

    module = result.get_submodule(name)
    result.set_submodule(name, Wrapped())
    return result


def _identity(given: Tensor, slope: Tensor) -> Tensor:
    if slope.shape != given.shape:
        raise ArgumentError(
            f"bpda: the module turns {tuple(given.shape)} into {tuple(slope.shape)}, so the identity is no backward "
            "pass for it; give one, as bpda=MODULE=FILE.py:FUNCTION"
        )
    return slope


def _function(text: str) -> Backward:
    file, _, name = text.rpartition(":")
    if not Path(file).is_file():
        raise ArgumentError(f"bpda: there is no file {file!r}; write MODULE=FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    assert spec is not None, "a file has a spec"
    assert spec.loader is not None, "a file can be loaded"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise ArgumentError(f"bpda: {file} has no function {name!r}")
    found: Backward = getattr(module, name)
    return found
