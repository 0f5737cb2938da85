"""The backward pass that a person gives for one module of an attacked network: ``bpda=MODULE=FILE.py:FUNCTION``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hardiness.models.own_file import OwnFile
from hardiness.models.own_source import code_sha256

if TYPE_CHECKING:
    from torch import Tensor

Backward = Callable[["Tensor", "Tensor"], "Tensor"]
"""A function from a module's input and the gradient of its output to the gradient of its input."""


def given_backward(bpda: str) -> tuple[Backward, str] | None:
    """The backward pass that ``MODULE=FILE.py:FUNCTION`` gives, and the hash over its code; ``None`` without a file.

    What lies beside the file can be imported by it, as by a model's own file, and counts in the hash.

    Raises:
        ArgumentError: there is no such file or function.
        ModelError: the file cannot be imported.
    """
    file = bpda.partition("=")[2]
    if not file:
        return None
    own = OwnFile.named(file, "bpda=MODULE=")
    function = own.value("function")
    return function, code_sha256(function, own.text)
