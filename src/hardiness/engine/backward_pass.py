"""The backward pass that a person gives for one module of an attacked network: ``bpda=MODULE=FILE.py:FUNCTION``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hardiness.models.code_hash import CodeIdentity, function_identity
from hardiness.models.own_file import OwnFile

if TYPE_CHECKING:
    from torch import Tensor

Backward = Callable[["Tensor", "Tensor"], "Tensor"]
"""A function from a module's input and the gradient of its output to the gradient of its input."""


def given_backward(bpda: str) -> tuple[Backward, CodeIdentity] | None:
    """The backward pass that ``MODULE=FILE.py:FUNCTION`` gives, and its identity; ``None`` of a mere ``MODULE``.

    What lies beside the file can be imported by it, as by a model's own file, and counts in the identity.

    Raises:
        ArgumentError: there is no such file or function.
        ModelError: the file cannot be imported.
    """
    file = bpda.partition("=")[2]
    if not file:
        return None
    own = OwnFile.named(file, "bpda=MODULE=")
    function = own.value("function")
    return function, function_identity(function, own.text)
