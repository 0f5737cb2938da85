"""Seeded random weights, for benches and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hardiness.core.random import rng

if TYPE_CHECKING:
    from torch import nn


def randomise(network: nn.Module, seed: int = 0) -> None:
    """Give every parameter a value that depends on its name and shape alone: He-normal kernels, neutral norms.

    Kernels get variance 2 / fan-in, biases 0. Vectors that are no bias keep what they are made with, but get ones
    where that is zero (scales of the last norm of a block, which would silence it) or the network has no storage yet.

    Source: He et al. 2015, arXiv:1502.01852, equation 10.
    """
    import torch

    on_meta = any(tensor.is_meta for tensor in network.state_dict().values())
    if on_meta:
        network.to_empty(device="cpu")
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim >= 2:
                fan_in = parameter.numel() // parameter.shape[0]
                draws = rng(seed, "weights", name).standard_normal(parameter.numel(), dtype=np.float32)
                parameter.copy_(torch.from_numpy(draws).view(parameter.shape).mul_((2.0 / fan_in) ** 0.5))
            elif name.endswith("bias"):
                parameter.zero_()
            elif on_meta or not bool(parameter.any()):
                parameter.fill_(1.0)
        for name, buffer in network.named_buffers() if on_meta else ():
            buffer.fill_(1.0 if name.endswith("running_var") else 0.0)
