"""Trains the small networks of ``networks.py`` on crops of ten photographs that lie inside packages.

    python tests/masked/train.py [plain] [adversarial]

Writes ``plain.pt`` and ``adversarial.pt`` beside it, in half precision; a few minutes on one core. The adversarial one
sees each crop where three steps of projected gradient descent at 8/255 have moved it. Both are then asked about crops
that they have not seen, and what they get right is printed. Another version of torch trains another network: the tests
hold for those that are kept here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from networks import Crops
from pictures import CLASSES, crop
from torch import Tensor, nn
from torch.nn import functional

SIDE, CROPS, BATCH, ROUNDS = 32, 6000, 100, {"plain": 15, "adversarial": 12}
WEIGHT_DECAY = {"plain": 1.0, "adversarial": 0.0}
EPSILON, STEPS = 8 / 255, 3


def crops(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Crops of 0.4 to 0.65 of a photograph as pixels in [0, 1], and which photograph each is of."""
    draws = np.random.default_rng(seed)
    found = [np.asarray(crop(number, draws, SIDE, draws.uniform(0.4, 0.65))) for number in range(count)]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float() / 255, torch.arange(count) % CLASSES


def moved(network: nn.Module, pixels: Tensor, labels: Tensor, steps: int = STEPS) -> Tensor:
    """The pictures, moved from a random start where the loss is larger."""
    found = pixels + EPSILON * (2 * torch.rand_like(pixels) - 1)
    for _ in range(steps):
        found = found.clamp(0, 1).detach().requires_grad_()
        (slope,) = torch.autograd.grad(functional.cross_entropy(network(found), labels), found)
        found = pixels + (found.detach() + 2.5 * EPSILON / steps * slope.sign() - pixels).clamp(-EPSILON, EPSILON)
    return found.clamp(0, 1)


def batches(pixels: Tensor, labels: Tensor, rounds: int) -> Iterator[tuple[float, Tensor, Tensor]]:
    """How much of the training is done, and a batch; each crop once a round."""
    for done in range(rounds):
        for index in torch.randperm(len(pixels)).split(BATCH):
            yield done / rounds, pixels[index], labels[index]


def train(which: str) -> nn.Module:
    """A network trained by AdamW, with a rate that falls to nothing."""
    torch.manual_seed(0)
    network = Crops()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=WEIGHT_DECAY[which])
    for done, pixels, labels in batches(*crops(CROPS, 0), ROUNDS[which]):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (1 - done)
        seen = moved(network, pixels, labels) if which == "adversarial" else pixels
        optimizer.zero_grad()
        functional.cross_entropy(network(seen), labels).backward()
        optimizer.step()
    return network.eval().requires_grad_(False)


def main() -> None:
    """Train those that are named, or both."""
    pixels, labels = crops(500, 1)
    for which in sys.argv[1:] or list(ROUNDS):
        network = train(which)
        right = (network(pixels).argmax(1) == labels).float().mean()
        with torch.enable_grad():
            attacked = (network(moved(network, pixels, labels, 40)).argmax(1) == labels).float().mean()
        print(f"{which}: {right:.1%} of 500 other crops, {attacked:.1%} at 8/255", flush=True)
        state = {name: tensor.half() for name, tensor in network.body.state_dict().items()}
        torch.save(state, Path(__file__).resolve().parent / f"{which}.pt")


if __name__ == "__main__":
    main()
