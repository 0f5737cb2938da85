"""Projected gradient descent against foolbox's and torchattacks', as their manuals have you use them.

    HARDINESS_DATA=… python bench/attacks.py [--json]

Batches of 16 photographs on the 224 canvas. A figure is image-steps a second: images times gradient steps, over the
time of the whole call, with no early stop on any side; then the time until the robust accuracy at 4/255 and 50 steps is
known, with it on ours. The others attack the eager network behind its mean and std. Before a ratio is printed all sides
have taken the same steps from the same images.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import transforms
from torchvision.models import resnext101_32x8d

from bars import alternating, at_least, at_most, tell, versions
from hardiness import attacks, models
from hardiness.attacks import Budget, Misclassified
from hardiness.core import CANVAS_224, ModelSpec, rng
from hardiness.imaging import decode, on_canvas
from hardiness.models import Classifier

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
BATCH = 16
EPSILON, STEP = 4 / 255, 1 / 255
LITE0, RESNEXT = "efficientnet_lite0", "resnext101_32x8d:weights=random"
STEPS, CHECKED_STEPS = {LITE0: 24, RESNEXT: 3}, {LITE0: 3, RESNEXT: 1}
REPETITIONS = {LITE0: 2, RESNEXT: 1}
FOOLBOX_BAR, TORCHATTACKS_BAR = {LITE0: 3.0, RESNEXT: 2.8}, {LITE0: 1.7, RESNEXT: 1.35}
BARE_BAR = 0.95
TO_ACCURACY_STEPS, TO_ACCURACY_BAR = 50, 8.0
MEMORY_STEPS, MEMORY_BATCH, MEMORY_BAR = (25, 100), 4, 1.02
SAME_VALUES, SAME_LOSS = 0.97, 0.02
"""Share of values that one step moves alike, and how far the mean loss after a few may differ. Signs of gradients near
zero are a matter of rounding: a start moved by 1e-6 leads the same network to other pixels within five steps."""

Attack = Callable[[int], Tensor]
"""Steps to the attacked images."""


@dataclass(frozen=True)
class Case:
    """One model with its images, labels, and the eager network that the others attack."""

    name: str
    classifier: Classifier
    spec: ModelSpec
    eager: nn.Module
    images: Tensor
    labels: Tensor


def photographs(canvases: int) -> Tensor:
    """Real ones, float32 ``(N, 3, 224, 224)`` in [0, 1]."""
    files = sorted((ROOT / "imagenet" / "val").glob("*/*.JPEG"))[::3][:canvases]
    images = np.stack([on_canvas(decode(file.read_bytes(), str(file)), CANVAS_224) for file in files])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def case(name: str) -> Case:
    """The labels are the model's own, so that every image has something to lose."""
    spec = models.resolve(name)
    if name == RESNEXT:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            eager: nn.Module = resnext101_32x8d(weights=None)
        classifier = models.wrap(eager, spec.view, name=name)
    else:
        eager, classifier = spec.builder()(spec), models.load(spec)
    images = photographs(BATCH)
    with torch.no_grad():
        labels = classifier.differentiable(images).argmax(1)
    return Case(name, classifier, spec, eager.eval(), images, labels)


def ours(at: Case, steps: int, *, stop: bool) -> Iterator[attacks.Iterate]:
    """Our iterates from the images themselves."""
    attack = attacks.registry.get("pgd")(step=STEP, random_start=False, stop=stop)
    budget = Budget("linf", EPSILON, torch.full((BATCH,), steps))
    generators = [rng(0, "bench", i) for i in range(BATCH)]
    return attack(at.classifier.differentiable, at.images, Misclassified(at.labels), budget, generators)


def sides(at: Case) -> dict[str, Attack]:
    """Every side, from the images themselves, without early stop."""
    import foolbox
    import torchattacks

    def mine(steps: int) -> Tensor:
        *_, last = ours(at, steps, stop=False)
        return last.pixels

    wrapped = foolbox.PyTorchModel(
        at.eager, bounds=(0, 1), preprocessing={"mean": at.spec.view.mean, "std": at.spec.view.std, "axis": -3}
    )

    def foolbox_pgd(steps: int) -> Tensor:
        attack = foolbox.attacks.LinfPGD(abs_stepsize=STEP, steps=steps, random_start=False)
        _, clipped, _ = attack(wrapped, at.images, at.labels, epsilons=EPSILON)
        return clipped

    normalised = nn.Sequential(transforms.Normalize(at.spec.view.mean, at.spec.view.std), at.eager).eval()

    def torchattacks_pgd(steps: int) -> Tensor:
        attack = torchattacks.PGD(normalised, eps=EPSILON, alpha=STEP, steps=steps, random_start=False)
        return attack(at.images, at.labels)

    return {"ours": mine, "foolbox": foolbox_pgd, "torchattacks": torchattacks_pgd}


def check_same(at: Case, attack: dict[str, Attack], steps: int) -> None:
    """End the bench unless all sides take the same steps and get as far."""

    def loss(pixels: Tensor) -> float:
        with torch.no_grad():
            return float(functional.cross_entropy(at.classifier.differentiable(pixels), at.labels))

    first, last = attack["ours"](1), loss(attack["ours"](steps))
    for name in ("foolbox", "torchattacks"):
        same = float(((attack[name](1) - first).abs() < 1e-5).float().mean())
        theirs = loss(attack[name](steps))
        if same < SAME_VALUES or abs(theirs - last) > SAME_LOSS * abs(last):
            sys.exit(
                f"{name} on {at.name}: {same:.4f} of one step's values are ours, loss after {steps} is {theirs:.4f}, "
                f"ours {last:.4f}: no ratio is printed"
            )


def bare(at: Case, steps: int) -> None:
    """Forward and gradient on the network that ours attacks, and nothing else.

    Where steps are few, with the pass that judges the last of them, which is then no small part.
    """
    for _ in range(steps):
        leaf = at.images.detach().requires_grad_()
        loss = functional.cross_entropy(at.classifier.differentiable(leaf), at.labels, reduction="sum")
        torch.autograd.grad(loss, leaf)
    if at.name == RESNEXT:
        with torch.no_grad():
            at.classifier.differentiable(at.images)


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rates(at: Case, notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Bars on image-steps a second."""
    steps, attack = STEPS[at.name], sides(at)
    check_same(at, attack, CHECKED_STEPS[at.name])
    calls = [lambda run=run: timed(lambda: run(steps)) for run in attack.values()]
    calls.append(lambda: timed(lambda: bare(at, steps)))
    seconds = dict(zip([*attack, "bare"], alternating(REPETITIONS[at.name], *calls), strict=True))
    short = at.name.partition(":")[0]
    for name, each in seconds.items():
        notes[f"{short}: {name}, image-steps a second"] = BATCH * steps / each
    return {
        f"{short}: times foolbox": at_least(seconds["foolbox"] / seconds["ours"], FOOLBOX_BAR[at.name]),
        f"{short}: times torchattacks": at_least(seconds["torchattacks"] / seconds["ours"], TORCHATTACKS_BAR[at.name]),
        f"{short}: share of a bare loop": at_least(seconds["bare"] / seconds["ours"], BARE_BAR),
    }


def to_accuracy(at: Case, notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The bar on the time until the robust accuracy is known."""
    attack, found = sides(at)["foolbox"], {}

    def broken_by_ours() -> None:
        found["ours"] = sum(int(iterate.reached.sum()) for iterate in ours(at, TO_ACCURACY_STEPS, stop=True))

    def broken_by_foolbox() -> None:
        pixels = attack(TO_ACCURACY_STEPS)
        with torch.no_grad():
            found["foolbox"] = int((at.classifier.differentiable(pixels).argmax(1) != at.labels).sum())

    seconds = {"ours": timed(broken_by_ours), "foolbox": timed(broken_by_foolbox)}
    if found["ours"] != found["foolbox"]:
        sys.exit(f"robust accuracies differ, broken of {BATCH}: {found}: no ratio is printed")
    notes["robust accuracy at 4/255, 50 steps, both"] = 1 - found["ours"] / BATCH
    notes |= {f"seconds to it: {name}": each for name, each in seconds.items()}
    return {"time to it, times foolbox": at_least(seconds["foolbox"] / seconds["ours"], TO_ACCURACY_BAR)}


def peak_bytes(steps: int) -> int:
    """Largest resident size of a process that only attacks for so many steps."""
    told = subprocess.run([sys.executable, __file__, "--peak", str(steps)], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[-1])


def attack_alone(steps: int) -> int:
    """What the process of `peak_bytes` does."""
    classifier = models.load(models.resolve(LITE0))
    images, labels = photographs(MEMORY_BATCH), torch.zeros(MEMORY_BATCH, dtype=torch.int64)
    attack = attacks.registry.get("pgd")(stop=False)
    generators = [rng(0, "bench", i) for i in range(MEMORY_BATCH)]
    budget = Budget("linf", EPSILON, torch.full((MEMORY_BATCH,), steps))
    for _ in attack(classifier.differentiable, images, Misclassified(labels), budget, generators):
        pass
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> int:
    """Check, measure, tell."""
    warnings.simplefilter("ignore")
    if "--peak" in sys.argv:
        print(attack_alone(int(sys.argv[-1])))
        return 0
    # First of all: the largest size that Linux tells of a process is never below that of the one which started it.
    few, many = (peak_bytes(steps) for steps in MEMORY_STEPS)
    notes: dict[str, Any] = {
        f"peak memory at {steps} steps, bytes": peak for steps, peak in zip(MEMORY_STEPS, (few, many), strict=True)
    }
    bars = {}
    for name in (LITE0, RESNEXT):
        at = case(name)
        bars |= rates(at, notes)
        if name == LITE0:
            bars |= to_accuracy(at, notes)
    bars["peak memory at {1} steps over {0}".format(*MEMORY_STEPS)] = at_most(many / few, MEMORY_BAR)
    packages = versions("torch", "timm", "torchvision", "foolbox", "torchattacks")
    return tell(bars, notes, packages, REPETITIONS[LITE0])


if __name__ == "__main__":
    sys.exit(main())
