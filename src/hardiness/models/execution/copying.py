"""Networks that share their tensors."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def with_the_same_tensors(network: nn.Module) -> nn.Module:
    """A copy whose layers can be exchanged while ``network`` keeps its own; all parameters and buffers are shared."""
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})
