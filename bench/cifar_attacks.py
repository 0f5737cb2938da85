"""The pictures that survive attacks of hardiness and of torchattacks at 32 x 32 px, for docs/small_pictures.md.

    HARDINESS_DATA=… python bench/cifar_attacks.py      # writes docs/results/cifar_attacks.csv

ResNet-20, and a small network that is trained here, in minutes, against FGSM steps on somebody's JPEG copies of the
test pictures. Both are attacked on the first 100 test pictures that they answer correctly. ResNet-20 has a budget under
which some pictures survive, because under 8/255 none does. The bench ends with an error where torchattacks breaks more
than a few pictures that our attack leaves. ``make docs`` writes the page's table.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import hardiness
from bars import sized
from cifar import CLASSES, MEAN, RESULTS, STD, csv_of, extract, pictures_of, published_network, write_example

PICTURES = sized(100, 4)
EPOCHS = sized(20)
STEPS, QUERIES = sized(100, 3), sized(5000, 20)
TRAINED, RESNET = "adversarially trained", "resnet20"
BUDGETS = {RESNET: {"linf": 1 / 255, "l2": 0.1}, TRAINED: {"linf": 8 / 255, "l2": 0.5}}
NOISE = 3
"""Pictures by which two searches may differ: two runs of torchattacks with other seeds differ by as many."""

OURS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "PGD": ("pgd", {"steps": STEPS}),
    "APGD": ("apgd", {"steps": STEPS}),
    "FAB, targeted": ("fab-t", {"steps": STEPS}),
    "Square": ("square", {"steps": QUERIES}),
    "AutoAttack": ("autoattack", {"steps": 4, "iterations": STEPS, "queries": QUERIES}),
}
"""Our name and options of each attack."""


def small_network() -> nn.Module:
    """Three convolutions, 101,000 parameters; pixels in [0, 1] come in."""
    layers = [nn.Conv2d(3, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU()]
    layers += [nn.Conv2d(64, 128, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(512, len(CLASSES)))


def trained(pictures: np.ndarray, labels: np.ndarray) -> nn.Module:
    """The small network after some epochs of single steps from random starts.

    Source: Wong, Rice & Kolter (2020), arXiv:2001.03994.
    """
    torch.manual_seed(0)
    network, epsilon, size = small_network(), BUDGETS[TRAINED]["linf"], 128
    pixels, truth = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(labels)
    optimiser = torch.optim.Adam(network.parameters())
    batches = -(-len(pixels) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for places in torch.randperm(len(pixels)).split(size):
            x, y = pixels[places], truth[places]
            x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x, x.flip(3))
            start = (x + torch.empty_like(x).uniform_(-epsilon, epsilon)).clamp(0, 1).requires_grad_()
            (slope,) = torch.autograd.grad(functional.cross_entropy(network(start), y), start)
            moved = start.detach() + 1.25 * epsilon * slope.sign()
            moved = (x + (moved - x).clamp(-epsilon, epsilon)).clamp(0, 1)
            optimiser.zero_grad()
            functional.cross_entropy(network(moved), y).backward()
            optimiser.step()
            schedule.step()
    return network.eval().requires_grad_(False)


def resnet20(data: Path, folder: Path) -> nn.Module:
    """With its published weights, behind its mean and std."""
    (weights,) = (data / "weights").glob(f"{RESNET}-*")
    network = published_network(RESNET, write_example(folder), weights)
    return nn.Sequential(Normalised(), network).eval().requires_grad_(False)


class Normalised(nn.Module):
    """Pixels less their mean, by their standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


def theirs(network: nn.Module, norm: str, epsilon: float) -> Mapping[str, Callable[[Tensor, Tensor], Tensor]]:
    """The attacks of torchattacks with the same names."""
    import torchattacks

    usual: dict[str, Any] = {"norm": {"linf": "Linf", "l2": "L2"}[norm], "eps": epsilon}
    pgd = (
        torchattacks.PGD(network, eps=epsilon, alpha=epsilon / 4, steps=STEPS)
        if norm == "linf"
        else torchattacks.PGDL2(network, eps=epsilon, alpha=epsilon / 4, steps=STEPS)
    )
    apgd = torchattacks.APGD(network, **usual, steps=STEPS)
    targeted = torchattacks.APGDT(network, **usual, steps=STEPS, n_classes=len(CLASSES))
    fab = torchattacks.FAB(network, **usual, steps=STEPS, multi_targeted=True, n_classes=len(CLASSES))
    square = torchattacks.Square(network, **usual, n_queries=QUERIES)
    members = [apgd, targeted, fab, square]  # its own AutoAttack takes ten steps
    return {
        "PGD": pgd,
        "APGD": apgd,
        "FAB, targeted": fab,
        "Square": square,
        "AutoAttack": torchattacks.MultiAttack(members),
    }


def rows_of(
    name: str,
    network: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    titles: Collection[str] = tuple(OURS),
    norms: Collection[str] = ("linf", "l2"),
) -> list[dict[str, Any]]:
    """A row for each norm and attack: how many pictures our attack leaves, how many theirs, and how many both."""
    with torch.no_grad():
        right = (network(pixels).argmax(1) == labels).nonzero()[:PICTURES, 0]
    pixels, labels, rows = pixels[right].contiguous(), labels[right], []
    view = hardiness.View(mean=0.0, std=1.0)
    for norm in norms:
        epsilon = BUDGETS[name][norm]
        for title, attack in theirs(network, norm, epsilon).items():
            if title not in titles:
                continue
            ours, options = OURS[title]
            found = hardiness.attack(network, pixels, labels, ours, epsilon=epsilon, view=view, norm=norm, **options)
            torch.manual_seed(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                moved = attack(pixels, labels)
            with torch.no_grad():
                survives = (network(moved).argmax(1) == labels).numpy()
            row = {"network": name, "norm": norm, "epsilon": f"{epsilon:.4f}", "attack": title, "pictures": len(labels)}
            row |= {"ours": int(np.sum(~found.broken)), "torchattacks": int(np.sum(survives))}
            rows.append(row | {"both": int(np.sum(~found.broken & survives))})
            print(rows[-1], flush=True)
            # To find more is no fault; a picture that theirs breaks and ours does not is one.
            if int(np.sum(~found.broken & ~survives)) > NOISE:
                sys.exit(f"{title} on {name}, {norm}: torchattacks breaks pictures that ours leaves")
    return rows


def main() -> None:
    """Train, attack, write."""
    data = Path(os.environ["HARDINESS_DATA"]) / "cifar10"
    with np.load(data / "test_first_500.npz") as first:
        pixels = torch.from_numpy(first["x"]).permute(0, 3, 1, 2).float() / 255
        labels = torch.from_numpy(first["y"]).long()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        networks = {
            RESNET: resnet20(data, folder),
            TRAINED: trained(*pictures_of(extract(data / "test_jpeg.tar", folder))),
        }
    rows = [row for name, network in networks.items() for row in rows_of(name, network, pixels, labels)]
    (RESULTS / "cifar_attacks.csv").write_text(csv_of(rows), "utf-8")


if __name__ == "__main__":
    main()
