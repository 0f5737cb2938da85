"""Projected gradient descent against foolbox's and torchattacks', as their manuals have you use them.

    HARDINESS_DATA=… python bench/attacks.py [--json] [memory] [lite0] [resnext] [accuracy] [gpu]

All parts, or those that are named. Batches of 16 photographs on the 224 canvas (4 of ResNeXt). A figure is image-steps
a second: images times gradient steps, over the time of the whole call, with no early stop on any side, the median of
five; then the time until a robust accuracy is known, with early stop on ours: of a small adversarially trained network
at 16/255, of whose images some stand, and of Lite0, of whose none do. The others attack the eager network behind its
mean and std, each in a process of its own; the bare loop of forward and gradient has ours, and judges its pictures at
the end as the engine does. Before a ratio is printed all sides have taken the same steps from the same images. Where
there is a GPU, ours and a bare loop on the eager network go on there, in this process.
``HARDINESS_BENCH_CLOCK=cpu`` goes by each side's processor time, for a machine that is busy with other things, where
ratios alone say something (``OMP_WAIT_POLICY=PASSIVE``). The short size leaves ResNeXt out, which takes long to build.
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
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import transforms
from torchvision.models import resnext101_32x8d

from apart import Ask, apart, as_the_command
from bars import SHORT, alternating, at_least, at_most, sized, tell, versions
from hardiness import View
from hardiness.attacks.criteria import Misclassification
from hardiness.attacks.kit import Budget, Iterate
from hardiness.attacks.kit import registry as attacks
from hardiness.core.model import CANVAS_224, ModelSpec
from hardiness.core.random import rng
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load, wrap
from hardiness.models.naming import resolve

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "masked"))

import networks
import pictures

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
EPSILON, STEP = 4 / 255, 1 / 255
LITE0, RESNEXT, TRAINED = "efficientnet_lite0", "resnext101_32x8d:weights=random", "adversarially trained"
BATCH = {LITE0: sized(16, 2), RESNEXT: sized(4), TRAINED: sized(16, 2)}
STEPS, CHECKED_STEPS = {LITE0: sized(20), RESNEXT: sized(10)}, {LITE0: sized(3), RESNEXT: 1}
CLOCK = time.process_time if os.environ.get("HARDINESS_BENCH_CLOCK") == "cpu" else time.perf_counter
REPETITIONS = sized(5)
BARE_BARS = {LITE0: 0.95, RESNEXT: 0.92}
"""Of a bare loop of forward and gradient. After the last step ours makes a forward pass more, which tells whether the
attack has succeeded: 3 % of ten steps."""
TO_ACCURACY = {TRAINED: (16 / 255, sized(50, 2), REPETITIONS), LITE0: (4 / 255, sized(50, 2), 1)}
"""Epsilon, steps and repetitions of the time until the robust accuracy is known: where half of the images stand
early stops help little, where all fall they are nearly everything."""
MEMORY_STEPS, MEMORY_BATCH, MEMORY_BAR = (sized(25), sized(100)), sized(4), 1.05
GPU_STEPS = sized(20)
PARTS = ("memory", "lite0", *(() if SHORT else ("resnext",)), "accuracy", "gpu")
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


@cache
def case(name: str) -> Case:
    """In the process of each side. The labels are the model's own, so that every image has something to lose."""
    if name == TRAINED:
        return trained()
    spec = resolve(name)
    if name == RESNEXT:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            eager: nn.Module = resnext101_32x8d(weights=None)
        classifier = wrap(eager, spec.view, name=name)
    else:
        eager, classifier = spec.builder()(spec), load(spec)
    images, view = photographs(BATCH[name]), transforms.Normalize(spec.view.mean, spec.view.std)
    with torch.no_grad():
        labels = eager.eval()(view(images)).argmax(1)
    return Case(name, classifier, spec, eager, images, labels)


def trained() -> Case:
    """The small network that was trained to hold, with crops of the photographs that it knows."""
    eager = networks.crops("adversarial")
    view = View(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    classifier = wrap(eager, view, name=TRAINED)
    draws, side = np.random.default_rng(0), CANVAS_224.crop_px
    crops = np.stack([np.asarray(pictures.crop(number, draws, side)) for number in range(BATCH[TRAINED])])
    images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    labels = torch.arange(len(images)) % pictures.CLASSES
    return Case(TRAINED, classifier, ModelSpec(TRAINED, "", view), eager, images, labels)


def ours(at: Case, steps: int, *, stop: bool, epsilon: float = EPSILON) -> Iterator[Iterate]:
    """Our iterates from the images themselves."""
    attack = attacks.get("pgd")(step=epsilon / 4, random_start=False, stop=stop)
    budget = Budget("linf", epsilon, torch.full((len(at.images),), steps))
    generators = [rng(0, "bench", i) for i in range(len(at.images))]
    return attack(at.classifier.differentiable, at.images, Misclassification(at.labels), budget, generators)


def foolbox_of(at: Case, steps: int, epsilon: float = EPSILON) -> tuple[Any, Any]:
    """The attack and the wrapped model."""
    import foolbox

    preprocessing = {"mean": at.spec.view.mean, "std": at.spec.view.std, "axis": -3}
    wrapped = foolbox.PyTorchModel(at.eager, bounds=(0, 1), preprocessing=preprocessing)
    return foolbox.attacks.LinfPGD(abs_stepsize=epsilon / 4, steps=steps, random_start=False), wrapped


def foolbox_pgd(at: Case) -> Attack:
    def run(steps: int) -> Tensor:
        attack, wrapped = foolbox_of(at, steps)
        _, clipped, _ = attack(wrapped, at.images, at.labels, epsilons=EPSILON)
        return clipped

    return run


def torchattacks_pgd(at: Case) -> Attack:
    import torchattacks

    normalised = nn.Sequential(transforms.Normalize(at.spec.view.mean, at.spec.view.std), at.eager).eval()

    def run(steps: int) -> Tensor:
        attack = torchattacks.PGD(normalised, eps=EPSILON, alpha=STEP, steps=steps, random_start=False)
        return attack(at.images, at.labels)

    return run


def our_pgd(at: Case) -> Attack:
    def run(steps: int) -> Tensor:
        *_, last = ours(at, steps, stop=False)
        at.classifier.plain_logits(last.pixels)
        return last.pixels

    return run


def bare(at: Case) -> Attack:
    """Forward and gradient on the network that ours attacks, and one pass of the plain network that judges."""

    def run(steps: int) -> Tensor:
        for _ in range(steps):
            leaf = at.images.detach().requires_grad_()
            loss = functional.cross_entropy(at.classifier.differentiable(leaf), at.labels, reduction="sum")
            torch.autograd.grad(loss, leaf)
        at.classifier.plain_logits(at.images)
        return at.images

    return run


SIDES = {"ours": our_pgd, "foolbox": foolbox_pgd, "torchattacks": torchattacks_pgd, "bare": bare}


def attacked(side: str, name: str, steps: int) -> tuple[float, Tensor]:
    """Seconds, and the attacked images."""
    warnings.simplefilter("ignore")
    run = SIDES[side](case(name))
    start = CLOCK()
    pixels = run(steps)
    return CLOCK() - start, pixels


def loss_at(name: str, pixels: Tensor) -> float:
    """Mean cross-entropy by the network that ours attacks."""
    with torch.no_grad():
        return float(functional.cross_entropy(case(name).classifier.differentiable(pixels), case(name).labels))


def broken_by_ours(name: str) -> tuple[float, int]:
    """Seconds until it is known how many images are misclassified within the ball, as judged, and how many are."""
    at, (epsilon, steps, *_) = case(name), TO_ACCURACY[name]
    start, last = CLOCK(), at.images.clone()
    for iterate in ours(at, steps, stop=True, epsilon=epsilon):
        last[iterate.index] = iterate.pixels
    found = int((at.classifier.plain_logits(last).argmax(1).cpu() != at.labels).sum())
    return CLOCK() - start, found


def broken_by_foolbox(name: str) -> tuple[float, int]:
    """The same; foolbox tells itself which attacks have succeeded."""
    at, (epsilon, steps, *_) = case(name), TO_ACCURACY[name]
    attack, wrapped = foolbox_of(at, steps, epsilon)
    start = CLOCK()
    *_, success = attack(wrapped, at.images, at.labels, epsilons=epsilon)
    return CLOCK() - start, int(success.sum())


def check_same(ask: dict[str, Ask[Any]], name: str) -> None:
    """End the bench unless all sides take the same steps and get as far."""
    steps = CHECKED_STEPS[name]
    first = {side: ask[side](attacked, side, name, 1)[1] for side in ask}
    later = {side: ask["ours"](loss_at, name, ask[side](attacked, side, name, steps)[1]) for side in ask}
    for side in ask:
        same = float(((first[side] - first["ours"]).abs() < 1e-5).float().mean())
        if same < SAME_VALUES or abs(later[side] - later["ours"]) > SAME_LOSS * abs(later["ours"]):
            sys.exit(
                f"{side} on {name}: {same:.4f} of one step's values are ours, loss after {steps} is {later[side]:.4f}, "
                f"ours {later['ours']:.4f}: no ratio is printed"
            )


def rates(ask: dict[str, Ask[Any]], name: str, notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Bars on image-steps a second."""
    check_same(ask, name)
    # The bare loop right after ours, which it is held against most closely.
    steps, doers = STEPS[name], {"ours": "ours", "bare": "ours"} | {side: side for side in ask}
    calls = [lambda side=side, doer=doer: ask[doer](attacked, side, name, steps)[0] for side, doer in doers.items()]
    seconds = dict(zip(doers, alternating(REPETITIONS, *calls), strict=True))
    short = name.partition(":")[0]
    for side, each in seconds.items():
        notes[f"{short}: {side}, image-steps a second"] = BATCH[name] * steps / each
    notes |= {f"{short}: times {side}": seconds[side] / seconds["ours"] for side in ("foolbox", "torchattacks")}
    return {f"{short}: share of a bare loop": at_least(seconds["bare"] / seconds["ours"], BARE_BARS[name])}


def to_accuracy(ask: dict[str, Ask[Any]], name: str, notes: dict[str, Any]) -> None:
    """The time until a robust accuracy is known."""
    epsilon, steps, repetitions = TO_ACCURACY[name]
    fallen: dict[str, int] = {}

    def seconds(side: str, broken: Callable[[str], tuple[float, int]]) -> float:
        taken, fallen[side] = ask[side](broken, name)
        return taken

    calls = partial(seconds, "ours", broken_by_ours), partial(seconds, "foolbox", broken_by_foolbox)
    if repetitions > 1:
        _ = [call() for call in calls]  # the first call of each side also compares, folds and warms up
    mine, usual = alternating(repetitions, *calls)
    fell, theirs = fallen["ours"], fallen["foolbox"]
    # An image may fall at one step and stand again at the last, which is all that foolbox looks at.
    if fell < theirs:
        sys.exit(f"{name}: of {BATCH[name]} images ours broke {fell}, foolbox {theirs}: no ratio is printed")
    what = f"{name}, {255 * epsilon:g}/255, {steps} steps"
    notes[f"robust accuracy: {what}, ours"] = 1 - fell / BATCH[name]
    notes[f"robust accuracy: {what}, foolbox"] = 1 - theirs / BATCH[name]
    notes |= {f"seconds to it: {what}, ours": mine, f"seconds to it: {what}, foolbox": usual}
    notes[f"time to it, times foolbox: {what}"] = usual / mine


def on_gpu(notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Image-steps a second of ours and of a bare eager loop on the GPU; nothing where there is none."""
    if not torch.cuda.is_available():
        notes["gpu"] = "none here"
        return {}
    spec = resolve(LITE0)
    eager, classifier = spec.builder()(spec).eval().cuda(), load(spec, device="cuda")
    images = photographs(BATCH[LITE0]).repeat(8, 1, 1, 1).cuda()
    view = transforms.Normalize(spec.view.mean, spec.view.std)
    labels = classifier.plain_logits(images).argmax(1)
    budget = Budget("linf", EPSILON, torch.full((len(images),), GPU_STEPS))
    attack = attacks.get("pgd")(step=STEP, random_start=False, stop=False)

    def mine() -> float:
        start = time.perf_counter()
        generators = [rng(0, "bench", i) for i in range(len(images))]
        for _ in attack(classifier.differentiable, images, Misclassification(labels), budget, generators):
            pass
        torch.cuda.synchronize()
        return time.perf_counter() - start

    def usual() -> float:
        start = time.perf_counter()
        for _ in range(GPU_STEPS):
            leaf = images.detach().requires_grad_()
            torch.autograd.grad(functional.cross_entropy(eager(view(leaf)), labels, reduction="sum"), leaf)
        torch.cuda.synchronize()
        return time.perf_counter() - start

    mine(), usual()
    ours_s, usual_s = alternating(REPETITIONS, mine, usual)
    notes["gpu"] = torch.cuda.get_device_name()
    notes["gpu: ours, image-steps a second"] = len(images) * GPU_STEPS / ours_s
    notes["gpu: bare eager loop, image-steps a second"] = len(images) * GPU_STEPS / usual_s
    return {}


@cache
def peak_bytes(steps: int) -> int:
    """Largest resident size of a process that only attacks for so many steps."""
    told = subprocess.run([sys.executable, __file__, "--peak", str(steps)], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[-1])


def attack_alone(steps: int) -> int:
    """What the process of `peak_bytes` does."""
    as_the_command()
    classifier = load(resolve(LITE0))
    images, labels = photographs(MEMORY_BATCH), torch.zeros(MEMORY_BATCH, dtype=torch.int64)
    attack = attacks.get("pgd")(stop=False)
    generators = [rng(0, "bench", i) for i in range(MEMORY_BATCH)]
    budget = Budget("linf", EPSILON, torch.full((MEMORY_BATCH,), steps))
    for _ in attack(classifier.differentiable, images, Misclassification(labels), budget, generators):
        pass
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory(notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The bar on memory, which must be measured first of all: the largest size that Linux tells of a process is never
    below that of the one which started it."""
    few, many = (peak_bytes(steps) for steps in MEMORY_STEPS)
    notes |= {
        f"peak memory at {steps} steps, bytes": peak for steps, peak in zip(MEMORY_STEPS, (few, many), strict=True)
    }
    return shown({"peak memory at {1} steps over {0}".format(*MEMORY_STEPS): at_most(many / few, MEMORY_BAR)})


def shown(bars: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The bars, told at once: who ends a long bench early has something."""
    for name, bar in bars.items():
        print(f"{name}: {bar['value']:.3f}, bar {bar['bar']:g}", file=sys.stderr, flush=True)
    return bars


def main() -> int:
    """Check, measure, tell."""
    warnings.simplefilter("ignore")
    if "--peak" in sys.argv:
        print(attack_alone(int(sys.argv[-1])))
        return 0
    parts = [each for each in sys.argv[1:] if not each.startswith("-")] or list(PARTS)
    notes: dict[str, Any] = {}
    bars: dict[str, dict[str, Any]] = {}
    if "memory" in parts:
        bars |= memory(notes)
    with apart("ours", "foolbox", "torchattacks") as ask:
        for part, name in {"lite0": LITE0, "resnext": RESNEXT}.items():
            if part in parts:
                bars |= shown(rates(ask, name, notes))
        for name in TO_ACCURACY if "accuracy" in parts else ():
            to_accuracy(ask, name, notes)
    if "gpu" in parts:
        bars |= on_gpu(notes)
    packages = versions("torch", "timm", "torchvision", "foolbox", "torchattacks")
    return tell(bars, notes, packages, REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())
