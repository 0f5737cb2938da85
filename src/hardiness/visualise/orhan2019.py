"""The learned features of Orhan 2019: pooled features read as logits, pushed to certainty from three starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hardiness.attacks.criteria import TargetProbability
from hardiness.attacks.kit import Budget
from hardiness.attacks.kit import registry as attacks
from hardiness.core.benchmark import DataSet, Image, Pixels
from hardiness.core.errors import DataError, ModelError
from hardiness.core.model import CANVAS_224
from hardiness.core.progress import Listener, Silence
from hardiness.core.random import rng
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.visualise.exhibition import Exhibition, about, refuse_strangers, to_images
from hardiness.visualise.sheets import SheetTile, probability_text

if TYPE_CHECKING:
    from torch import Tensor

PROTOCOL = "orhan2019"
SEED = 1
UNITS, PHOTOGRAPHS = 6, 2
PROBABILITY = 1 - 1e-6
STEP, STEPS, EPSILON = 1 / 255, 500, 4.0
"""A bound of 4 on pixels in [0, 1] bounds nothing: the range alone does."""


@dataclass(frozen=True, eq=False)
class ProtocolDraw:
    """Draws of the protocol: units, and a start image of uniform noise ``(3, 224, 224)``."""

    units: tuple[int, ...]
    noise: Pixels


@dataclass(frozen=True, eq=False)
class PushOutcome:
    """The outcome for one unit from one start.

    Attributes:
        unit: index of the pooled feature.
        start: name of the start image.
        image: ``uint8 (224, 224, 3)``, the successful iterate nearest to the start; ``None`` where there was none.
        before, after: the feature on the start, and on that iterate; where none was successful, on the last.
        probability: of the unit, softmax over the features, on the iterate that ``after`` is about.
        step: of that iterate; 0 is the start itself.
        distance: of it to the start, L∞, in units of the [0, 1] range.
    """

    unit: int
    start: str
    image: Image | None
    before: float
    after: float
    probability: float
    step: int
    distance: float

    def tile(self) -> SheetTile:
        """Its place on the sheet, with its caption."""
        change = f"{self.before:.3g} to {self.after:.3g}"
        caption = (f"unit {self.unit}   {change}", f"from {self.start}")
        if self.image is None:
            return SheetTile(caption, None, f"failed: p {probability_text(self.probability)}\nafter {self.step} steps")
        return SheetTile((caption[0], f"{caption[1]}, step {self.step}"), self.image)


def choose(features: int) -> ProtocolDraw:
    """Draw six of the features from 1 on, with replacement, and then the noise image from the same generator.

    Args:
        features: how many there are, at least 2.

    Source: Orhan's ``visualize_features.py``: seed 1; for 2,048 features 1062, 236, 1933, 1097, 1792, 906.
    """
    legacy = np.random.RandomState(SEED)  # the generator that the paper drew with; our own instance
    units = legacy.choice(np.arange(1, features), UNITS)
    noise: Pixels = legacy.uniform(size=(3, CANVAS_224.crop_px, CANVAS_224.crop_px)).astype(np.float32)
    return ProtocolDraw(tuple(units.tolist()), noise)


class Nearest:
    """The successful iterates nearest to their starts, one an image, and nothing of all the others.

    Attributes:
        pixels: float32 ``(N, 3, H, W)``; the last iterate where none was successful.
        before, after: the unit's feature on the start and on ``pixels``, ``(N,)``.
        probability: of the unit among all features, on ``pixels``, float64 ``(N,)``.
        step: of ``pixels``, int64 ``(N,)``; 0 is the start.
        distance: of ``pixels`` to the start, L∞, ``(N,)``.
        reached: whether any iterate was successful, bool ``(N,)``.
    """

    def __init__(self, start: Tensor, aim: TargetProbability) -> None:
        import torch

        n, device = len(start), start.device
        self._start, self._aim = start, aim
        self.pixels = start.clone()
        self.before, self.after, self.distance = (torch.zeros(n, device=device) for _ in range(3))
        self.probability = torch.zeros(n, dtype=torch.float64, device=device)
        self.step = torch.zeros(n, dtype=torch.int64, device=device)
        self.reached = torch.zeros(n, dtype=torch.bool, device=device)

    def see(self, step: int, pixels: Tensor, features: Tensor) -> None:
        """Take note of one iterate of the whole batch and its features ``(N, F)``."""
        at = self._aim.units[:, None]
        if step == 0:
            self.before = features.gather(1, at)[:, 0]
        distance = (pixels - self._start).abs().amax((1, 2, 3))
        success = self._aim.reached(features)
        better = (success & (~self.reached | (distance < self.distance))) | (~success & ~self.reached)
        self.reached |= success
        self.pixels[better] = pixels[better]
        self.distance[better] = distance[better]
        self.step[better] = step
        self.after[better] = features.gather(1, at)[better, 0]
        self.probability[better] = features.double().softmax(1).gather(1, at)[better, 0]


def push(
    classifier: Classifier, starts: Tensor, units: Sequence[int], steps: int = STEPS, listener: Listener | None = None
) -> Nearest:
    """For each start image and its unit, the successful iterate nearest to the start; all in one batch.

    Projected gradient descent on the cross-entropy of the unit among all pooled features, steps of 1/255, [0, 1] the
    only bound. It never stops early. The start counts as an iterate; of equally near ones the first is taken.

    Args:
        classifier: any model that has gradients.
        starts: float32 ``(N, 3, 224, 224)``, RGB in [0, 1].
        units: N indices of pooled features.
        steps: how many.
        listener: listener of progress, in steps of an image.

    Source: Orhan 2019, arXiv:1907.07640 (``visualize_features.py``, foolbox 1.8.0 ``ProjectedGradientDescentAttack``
        with ``TargetClassProbability``, which returns the nearest of all successful iterates).
    """
    import torch

    feed, listener = classifier.feed(starts.shape[-1]), listener or Silence()
    begin = starts.to(classifier.device).contiguous(memory_format=torch.channels_last)
    aim = TargetProbability(torch.tensor(units, device=begin.device), PROBABILITY)
    nearest = Nearest(begin, aim)
    with torch.no_grad():
        nearest.see(0, begin, classifier.pooled(feed(begin)))
    budget = Budget("linf", EPSILON, torch.full((len(units),), steps))
    pgd = attacks.get("pgd")(step=STEP, random_start=False, stop=False)
    listener.begin(PROTOCOL, len(units) * steps, 0)
    try:
        chance = [rng(SEED, PROTOCOL, row) for row in range(len(units))]
        for iterate in pgd(lambda pixels: classifier.pooled(feed(pixels)), begin, aim, budget, chance):
            nearest.see(iterate.step, iterate.pixels, iterate.logits)
            listener.advance(len(iterate.index))
    finally:
        listener.end()
    return nearest


def push_features(
    classifier: Classifier, photographs: DataSet, steps: int = STEPS, listener: Listener | None = None
) -> list[PushOutcome]:
    """The whole protocol: the units from the first two photographs and from noise, start by start.

    Args:
        classifier: any model that has gradients.
        photographs: of which the first two, by id, are taken, on the 224-pixel canvas.
        steps: 500 in the paper.
        listener: listener of progress, in steps of an image.

    Raises:
        DataError: there are fewer than two photographs.
        SampleError: one cannot be read.
        ModelError: the model has no gradients, or fewer than two pooled features.
    """
    import torch

    starts = _starts(photographs)
    with torch.no_grad():
        feed = classifier.feed(CANVAS_224.crop_px)
        features = classifier.pooled(feed(to_pixels([starts[0][1]]))).shape[1]
    if features < 2:
        raise ModelError(f"{classifier.spec.name} has {features} pooled feature, and at least 2 are needed")
    draw = choose(features)
    all_starts = [*starts, ("noise", draw.noise)]
    rows = [(name, start, unit) for name, start in all_starts for unit in draw.units]
    nearest = push(
        classifier, to_pixels([start for _, start, _ in rows]), [unit for _, _, unit in rows], steps, listener
    )
    images = to_images(nearest.pixels)
    return [
        PushOutcome(
            unit=unit,
            start=name,
            image=images[row] if nearest.reached[row] else None,
            before=nearest.before[row].item(),
            after=nearest.after[row].item(),
            probability=nearest.probability[row].item(),
            step=int(nearest.step[row].item()),
            distance=nearest.distance[row].item(),
        )
        for row, (name, _, unit) in enumerate(rows)
    ]


def write_pushed(
    classifier: Classifier, photographs: DataSet, folder: Path, steps: int = STEPS, listener: Listener | None = None
) -> list[PushOutcome]:
    """Run `push_features` and write its pictures: one PNG each, ``grid.png`` and ``features.json``.

    A unit that never reaches the threshold has no picture; the page says so in its place.

    Raises:
        ArgumentError: the folder holds files that no such command wrote.
        DataError, SampleError, ModelError, StoreError: as the message says.
    """
    refuse_strangers(folder)
    outcomes = push_features(classifier, photographs, steps, listener)
    settings = {"steps": steps, "step": STEP, "probability": PROBABILITY, "seed": SEED, "data": photographs.name}
    exhibition = Exhibition(folder, about(classifier, PROTOCOL, settings))
    for outcome in outcomes:
        facts = {
            "unit": outcome.unit,
            "start": outcome.start,
            "reached": outcome.image is not None,
            "activation_before": outcome.before,
            "activation_after": outcome.after,
            "probability_after": outcome.probability,
            "step": outcome.step,
            "distance_linf": outcome.distance,
        }
        exhibition.add(f"unit {outcome.unit} {outcome.start}", outcome.image, facts)
    rows = [[outcome.tile() for outcome in outcomes[first : first + UNITS]] for first in range(0, len(outcomes), UNITS)]
    exhibition.write(rows)
    return outcomes


def _starts(photographs: DataSet) -> list[tuple[str, Image | Pixels]]:
    if len(photographs) < PHOTOGRAPHS:
        raise DataError(
            f"{PROTOCOL} starts from {PHOTOGRAPHS} photographs, and {photographs.location} holds {len(photographs)}"
        )
    first = sorted(photographs.items, key=lambda item: item.id)[:PHOTOGRAPHS]
    return [(item.id, on_canvas(decode(item.file.read(), item.file.name), CANVAS_224)) for item in first]
