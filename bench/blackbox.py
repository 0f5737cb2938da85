"""Attacks without the victim's gradient: HopSkipJump beside foolbox's, and pictures that are made on other networks.

    python bench/blackbox.py linear             HopSkipJump on a linear model of the 224 canvas
    python bench/blackbox.py networks           the same on SqueezeNet and EfficientNet-Lite0
    python bench/blackbox.py transfer           PGD, MI-FGSM, DI and TI: how often a picture fools another network
    python bench/blackbox.py networks --images 4 --queries 1000
    python bench/blackbox.py --json             all three, one after the other

The photographs are those inside installed packages. Each part prints the table of docs/results.md; ``--json`` prints
what stands in the tables as one object, and the tables go to standard error.

A distance is that of the nearest misclassified picture that a side has asked about within so many queries: both sides
are heard through the same wrapper, which counts the pictures, so that neither side's own account decides anything.
foolbox's attack has the options that its manual gives it, ours those of ``hardiness list attacks hopskipjump``.

A transfer is counted over the photographs that both the surrogate and the victim are right on; the interval of each
share is Wilson's, of a difference to PGD that of 2,000 resamplings of the photographs.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bars import SHORT, sized, tell, versions
from hardiness.attacks.criteria import Misclassification
from hardiness.attacks.kit import Budget, made_to_transfer
from hardiness.attacks.kit import registry as attacks
from hardiness.attacks.threats.norm_balls import distance
from hardiness.core.model import CANVAS_224
from hardiness.core.random import rng
from hardiness.data.root import locate
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.statistics.intervals import wilson

LITE0, LITE2, SQUEEZE = "efficientnet_lite0", "efficientnet_lite2", "squeezenet1_1"
NORMS = {"linf": "L∞", "l2": "L2"}
MARKS = (300, 1000, 3000)
STEPS, EPSILON = sized(10), 8 / 255
QUERIES, PHOTOGRAPHS, TRANSFERRED = sized(3000, 40), sized(4), sized(48, 2)
PARTS = ("linear", "networks", "transfer")
MADE = {
    "PGD, first success": ("pgd", {}),
    "PGD, all steps": ("pgd", {"stop": False}),
    "`mi-fgsm`": ("mi-fgsm", {}),
    "`di-fgsm`": ("di-fgsm", {}),
    "`ti-fgsm`": ("ti-fgsm", {}),
}
"""How pictures are made, each with its own defaults: the first is what ``blackbox`` shows when no attack is named."""

Logits = Callable[[Tensor], Tensor]


class Enough(Exception):  # noqa: N818  # the end of a budget is no error
    """The queries are spent."""


@dataclass
class Heard:
    """A model of which each picture is counted, and the nearest misclassified one kept.

    Attributes:
        logits: the model.
        clean: ``(1, 3, H, W)``.
        label: its class.
        norm: by which a picture is near.
        queries: after which nothing more is answered.
    """

    logits: Logits
    clean: Tensor
    label: int
    norm: str
    queries: int
    asked: int = 0
    nearest: float = float("inf")
    curve: list[tuple[int, float]] = field(default_factory=list)

    def __call__(self, pixels: Tensor) -> Tensor:
        """The logits; the pictures count."""
        if self.asked >= self.queries:
            raise Enough
        with torch.no_grad():
            found = self.logits(pixels)
        wrong = found.argmax(1) != self.label
        wrong[max(0, self.queries - self.asked) :] = False
        self.asked += len(pixels)
        if bool(wrong.any()):
            self.nearest = min(self.nearest, float(distance(self.norm, pixels[wrong] - self.clean).min()))
        self.curve.append((self.asked, self.nearest))
        return found

    def at(self, queries: int) -> float:
        """The nearest within so many queries; a batch that goes beyond them counts as not yet asked."""
        return min((nearest for asked, nearest in self.curve if asked <= queries), default=float("inf"))


def by_ours(heard: Heard) -> None:
    """Our walk, towards a budget that it never reaches."""
    attack = attacks.get("hopskipjump")()
    budget = Budget(heard.norm, 1e-9, torch.tensor([heard.queries]))
    try:
        for _ in attack(
            heard, heard.clean, Misclassification(torch.tensor([heard.label])), budget, [rng(0, "bench", 0)]
        ):
            pass
    except Enough:
        pass


class _Module(nn.Module):
    def __init__(self, heard: Heard) -> None:
        super().__init__()
        self.heard = heard

    def forward(self, pixels: Tensor) -> Tensor:
        return self.heard(pixels)


def by_foolbox(heard: Heard) -> None:
    """foolbox's, from its own start, for as many steps as the queries last."""
    import foolbox

    wrapped = foolbox.PyTorchModel(_Module(heard).eval(), bounds=(0, 1))
    np.random.seed(0)  # noqa: NPY002  # foolbox draws from numpy's global generator
    torch.manual_seed(0)
    attack = foolbox.attacks.HopSkipJumpAttack(steps=1000, constraint=heard.norm)
    try:
        attack.run(wrapped, heard.clean, foolbox.criteria.Misclassification(torch.tensor([heard.label])))
    except Enough:
        pass
    except ValueError as error:  # its start failed
        print(f"foolbox: {error}", file=sys.stderr)


SIDES = {"hardiness": by_ours, "foolbox": by_foolbox}


class Linear:
    """Two classes with weights drawn at random, whose border has a known distance from its picture.

    Attributes:
        least: that distance in each norm.
    """

    def __init__(self, side: int = CANVAS_224.crop_px, distance_l2: float = 2.0) -> None:
        draws = np.random.default_rng(0)
        self.weights = torch.from_numpy(draws.normal(0, 1, 3 * side * side).astype(np.float32))
        unit = self.weights / self.weights.norm()
        clean = torch.from_numpy(draws.uniform(0.2, 0.8, (1, 3, side, side)).astype(np.float32))
        # Far enough along the weights that noise, around grey, is on the other side of the border.
        self.clean = (clean + 2 * distance_l2 * unit.view_as(clean)).clamp(0, 1)
        at = float(self.clean.flatten().double() @ unit.double())
        self.weights, self.offset = unit, distance_l2 - at
        self.least = {"l2": distance_l2, "linf": distance_l2 / float(unit.abs().sum())}

    def __call__(self, pixels: Tensor) -> Tensor:
        """Logits ``(N, 2)``; the picture is of class 0."""
        lead = pixels.flatten(1) @ self.weights + self.offset
        return torch.stack([lead, -lead], 1)


def photographs(count: int) -> tuple[list[str], Tensor, Tensor]:
    """Ids, pictures ``(N, 3, 224, 224)`` and labels of embedded photographs, spread over all of them."""
    items = locate(["embedded"]).dataset("imagenet").items
    items = [items[i * len(items) // count] for i in range(min(count, len(items)))]
    images = np.stack([on_canvas(decode(item.file.read(), item.file.name), CANVAS_224) for item in items])
    return (
        [item.id for item in items],
        torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255,
        torch.tensor([item.label for item in items]),
    )


def row(*cells: Any) -> None:
    """A line of a table in Markdown, at once."""
    stream = sys.stderr if "--json" in sys.argv else sys.stdout
    print("| " + " | ".join(map(str, cells)) + " |", file=stream, flush=True)


def decisions(
    cases: Iterator[tuple[str, Logits, list[Tensor], list[int], dict[str, float]]], queries: int
) -> dict[str, Any]:
    """The table of distances: each model, norm and side at each number of queries, medians over the pictures."""
    notes: dict[str, Any] = {}
    marks = [mark for mark in MARKS if mark < queries] + [queries]
    row("model", "norm", "attack", *(f"{mark:,} queries" for mark in marks), "least possible")
    row(*["---"] * (4 + len(marks)))
    for name, logits, images, labels, least in cases:
        for norm, shown in NORMS.items():
            for side, run in SIDES.items():
                found = []
                for image, label in zip(images, labels, strict=True):
                    heard = Heard(logits, image, label, norm, queries)
                    run(heard)
                    found.append([heard.at(mark) for mark in marks])
                medians = [statistics.median(column) for column in zip(*found, strict=True)]
                row(name, shown, side, *(f"{each:.3g}" for each in medians), f"{least[norm]:.3g}" if least else "–")
                for mark, each in zip(marks, medians, strict=True):
                    what = f"{name}, {norm}, {side}: distance after {mark} queries"
                    notes[what] = each if math.isfinite(each) else "nothing misclassified"
    return notes


def linear_case() -> Iterator[tuple[str, Logits, list[Tensor], list[int], dict[str, float]]]:
    """The linear model."""
    model = Linear()
    yield "linear, 224 px", model, [model.clean], [0], model.least


def network_cases(count: int) -> Iterator[tuple[str, Logits, list[Tensor], list[int], dict[str, float]]]:
    """Networks on photographs that they are right on."""
    _, images, labels = photographs(3 * count)
    for name in (SQUEEZE, LITE0)[: sized(2)]:
        classifier = load(resolve(name))
        with torch.no_grad():
            right = (classifier.plain_logits(images).argmax(1) == labels).nonzero()[:count, 0].tolist()
        pictures, classes = [images[i : i + 1] for i in right], [int(labels[i]) for i in right]
        yield f"{name}, {len(right)} photographs", classifier.plain_logits, pictures, classes, {}


def made(
    attack: str, options: dict[str, Any], logits: Logits, images: Tensor, labels: Tensor, ids: list[str]
) -> Tensor:
    """What ``blackbox`` would show other networks: the last picture, or the first success of an attack that stops."""
    shown, done = images.clone(), torch.zeros(len(images), dtype=torch.bool)
    stops = not made_to_transfer(attack) and options.get("stop", True)
    for begun in range(0, len(images), 8):
        part = slice(begun, begun + 8)
        budget = Budget("linf", EPSILON, torch.full((len(images[part]),), STEPS))
        chance = [rng(0, "bench", each) for each in ids[part]]
        run = attacks.get(attack)(**options)(logits, images[part], Misclassification(labels[part]), budget, chance)
        for iterate in run:
            rows = iterate.index + begun
            open_ = ~done[rows] if stops else torch.ones_like(iterate.reached)
            shown[rows[open_]] = iterate.pixels[open_]
            done[rows] |= iterate.reached
    return shown


def transfer(count: int) -> dict[str, Any]:
    """The table of transfers."""
    notes: dict[str, Any] = {}
    ids, images, labels = photographs(count)
    loaded = {name: load(resolve(name)) for name in ((SQUEEZE, LITE0) if SHORT else (LITE0, LITE2, SQUEEZE))}
    with torch.no_grad():
        right = {name: each.plain_logits(images).argmax(1) == labels for name, each in loaded.items()}

    def joined(*names: str) -> Logits:
        return lambda pixels: torch.stack([loaded[name].differentiable(pixels) for name in names]).mean(0)

    surrogates = {LITE0: (LITE0,), SQUEEZE: (SQUEEZE,), f"{LITE0}+{SQUEEZE}": (LITE0, SQUEEZE)}
    surrogates = {SQUEEZE: (SQUEEZE,)} if SHORT else surrogates
    draws = np.random.default_rng(0)
    row("surrogate", "victim", "pictures", "n", "fooled", "more than PGD, first success", "than PGD, all steps")
    row(*["---"] * 7)
    for surrogate, names in surrogates.items():
        pictures = {how: made(*what, joined(*names), images, labels, ids) for how, what in MADE.items()}
        for victim in (name for name in loaded if name not in names):
            both = right[victim] & torch.stack([right[name] for name in names]).all(0)
            fooled = {}
            for how, shown in pictures.items():
                with torch.no_grad():
                    fooled[how] = (loaded[victim].plain_logits(shown).argmax(1) != labels)[both].numpy()
            for how, each in fooled.items():
                interval = wilson(int(each.sum()), len(each))
                gains = [gained(each, fooled[base], draws) for base in list(MADE)[:2]]
                share = f"{100 * each.mean():.0f} % ({100 * interval.low:.0f}–{100 * interval.high:.0f})"
                row(
                    surrogate, victim, how, len(each), share, *("" if how.startswith("PGD") else gain for gain in gains)
                )
                notes[f"{surrogate} to {victim}, {how}: fooled, of {len(each)}"] = float(each.mean())
    return notes


def gained(fooled: Any, base: Any, draws: np.random.Generator) -> str:
    """By how many points more, with the interval of 2,000 resamplings of the photographs."""
    differences = 100 * (fooled.astype(float) - base)
    means = draws.choice(differences, (2000, len(differences))).mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{differences.mean():+.0f} ({low:+.0f} to {high:+.0f})"


def main() -> int:
    """Print the tables that are asked for."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="all where none is named")
    parser.add_argument("--images", type=int, help="photographs; 4 of networks, 48 of transfer")
    parser.add_argument("--queries", type=int, default=QUERIES, help="queries at most")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    notes: dict[str, Any] = {}
    for part in [asked.part] if asked.part else PARTS:
        if part == "transfer":
            notes |= transfer(asked.images or TRANSFERRED)
        else:
            cases = linear_case() if part == "linear" else network_cases(asked.images or PHOTOGRAPHS)
            notes |= decisions(cases, asked.queries)
    return tell({}, notes, versions("torch", "timm", "foolbox"), 1) if asked.json else 0


if __name__ == "__main__":
    sys.exit(main())
