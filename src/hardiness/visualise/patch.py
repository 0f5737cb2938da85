"""One patch that fools a model on any picture, wherever it is put: training it, and its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.criteria import Criterion, Misclassification, TargetClass
from hardiness.attacks.threats.patch import paste, side
from hardiness.core.benchmark import DataSet, Image
from hardiness.core.bounds import MOST_IMAGES, MOST_STEPS, require_within
from hardiness.core.errors import ArgumentError, DataError, ModelError, SampleError
from hardiness.core.forms import json_form
from hardiness.core.model import CANVAS_224
from hardiness.core.options import option
from hardiness.core.progress import Listener, Silence
from hardiness.core.random import rng
from hardiness.core.table import Failure
from hardiness.data.items import limited
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.visualise.exhibition import Exhibition, about, refuse_strangers, to_images
from hardiness.visualise.sheets import SheetTile, fold
from hardiness.visualise.units import ClassUnit, class_names

if TYPE_CHECKING:
    from torch import Tensor


PROTOCOL = "universal-patch"
SHOWN = 12
CPU_BATCH, GPU_BATCH, CPU_BYTES = 16, 64, 2 << 30


@dataclass(frozen=True, slots=True)
class PatchSettings:
    """How a patch is trained.

    Attributes:
        share: of the picture's area that it covers.
        photographs: how many it is trained on, all of them where there are fewer.
        steps: of the optimiser, Adam, each on one batch.
        rate: its step size, in units of the [0, 1] range.
        seed: keys every draw.
        batch_size: photographs in one step; chosen where not given.
    """

    share: float = option("Of the picture's area that the patch covers.", 0.05)
    photographs: int = option(
        "The last N photographs of the order of which 'run --limit' takes the first.", 100, name="--limit", metavar="N"
    )
    steps: int = option("Steps of the optimiser, each on one batch.", 300)
    rate: float = option("Size of a step, as a share of the range of pixels.", 0.05)
    seed: int = option("Keys every draw.", 0)
    batch_size: int | None = option("Photographs in one step; chosen if not given.", None, metavar="B")

    def __post_init__(self) -> None:
        if self.photographs < 1:
            raise ArgumentError(f"photographs must be at least 1, was {self.photographs}")
        require_within("steps", self.steps, 1, MOST_STEPS)
        if self.batch_size is not None:
            require_within("batch size", self.batch_size, 1, MOST_IMAGES)
        if not 0 < self.share <= 1 or not side(self.share, CANVAS_224.crop_px, CANVAS_224.crop_px):
            raise ArgumentError(f"share must be above 0 and at most 1, and cover a pixel, was {self.share}")
        if not 0 < self.rate <= 1:
            raise ArgumentError(f"rate must be above 0 and at most 1, was {self.rate}")


class PatchTraining:
    """One patch under way, and what it does to each photograph at one drawn place."""

    def __init__(
        self, classifier: Classifier, images: Sequence[Image], target: ClassUnit | None, settings: PatchSettings
    ) -> None:
        px = CANVAS_224.crop_px
        feed = classifier.feed(px)
        self._logits: Callable[[Tensor], Tensor] = lambda pixels: classifier.differentiable(feed(pixels))
        self._spec, self._device = classifier.spec, classifier.device
        self._images, self._settings = images, settings
        largest = GPU_BATCH
        if classifier.device == "cpu":
            largest = max(1, min(CPU_BATCH, CPU_BYTES // (2 * classifier.activation_bytes(feed.input_px))))
        self._batch = min(settings.batch_size or largest, len(images))
        self._length = side(settings.share, px, px)
        self._places = px - self._length + 1
        self._seen = self._answers(None)
        self._aims = self._seen if target is None else np.full_like(self._seen, target.index)
        self._criterion: type[Misclassification] | type[TargetClass] = (
            Misclassification if target is None else TargetClass
        )

    def run(self, listener: Listener) -> tuple[Image, float, float]:
        """Train the patch; it, and the shares of photographs with the effect before and after."""
        import torch

        start = self._draw("start").random((3, self._length, self._length), np.float32)
        patch = torch.from_numpy(start).to(self._device).requires_grad_()
        before = self._effect(patch.detach())
        adam = torch.optim.Adam([patch], self._settings.rate)
        listener.begin("make-patch", self._settings.steps, 0)
        try:
            for step in range(self._settings.steps):
                rows = self._rows(step)
                shown = paste(self._pixels(rows), patch, self._corners("place", step, len(rows)))
                loss = self._aim(rows).loss(self._logits(shown)).mean()
                (gradient,) = torch.autograd.grad(loss, patch)
                if not bool(gradient.isfinite().all()):
                    raise ModelError(
                        f"{self._spec.name} has a gradient that is not finite under the patch, at step {step + 1}"
                    )
                patch.grad = gradient
                adam.step()
                with torch.no_grad():
                    patch.clamp_(0, 1)
                listener.advance(1)
        finally:
            listener.end()
        (image,) = to_images(patch[None])
        return image, before, self._effect(to_pixels([image])[0].to(self._device))

    def panels(self, image: Image) -> list[SheetTile]:
        """The first photographs under the patch, each with what the model saw and sees."""
        rows = np.arange(min(SHOWN, len(self._images)))
        patch = to_pixels([image])[0].to(self._device)
        pictures = to_images(paste(self._pixels(rows), patch, self._corners("measure", 0, len(self._images))[rows]))
        now, names = self._answers(patch), class_names(self._spec)
        captions = [(names[self._seen[row]][0], f"now {names[now[row]][0]}") for row in rows]
        return [SheetTile(caption, picture) for caption, picture in zip(captions, pictures, strict=True)]

    def _rows(self, step: int) -> NDArray[np.int64]:
        """The photographs of a step: a new order whenever all have been seen."""
        a_round = len(self._images) // self._batch
        order = self._draw("order", step // a_round).permutation(len(self._images))
        first = step % a_round * self._batch
        return order[first : first + self._batch]

    def _effect(self, patch: Tensor) -> float:
        now = self._answers(patch)
        has_effect = now != self._aims if self._criterion is Misclassification else now == self._aims
        return float(has_effect.mean())

    def _answers(self, patch: Tensor | None) -> NDArray[np.int64]:
        """The class that the model sees in each photograph: as it is, or under the patch."""
        import torch

        answers, corners = [], self._corners("measure", 0, len(self._images))
        with torch.no_grad():
            for first in range(0, len(self._images), self._batch):
                rows = np.arange(first, min(first + self._batch, len(self._images)))
                pixels = self._pixels(rows)
                shown = pixels if patch is None else paste(pixels, patch, corners[rows])
                answers.append(self._logits(shown).argmax(1).cpu().numpy())
        return np.concatenate(answers)

    def _aim(self, rows: NDArray[np.int64]) -> Criterion:
        import torch

        return self._criterion(torch.from_numpy(self._aims[rows]).to(self._device))

    def _pixels(self, rows: NDArray[np.int64]) -> Tensor:
        return to_pixels([self._images[row] for row in rows]).to(self._device)

    def _corners(self, purpose: str, step: int, count: int) -> NDArray[np.int64]:
        return self._draw(purpose, step).integers(0, self._places, (count, 2))

    def _draw(self, purpose: str, step: int = 0) -> np.random.Generator:
        return rng(self._settings.seed, "make-patch", purpose, step)


@dataclass(frozen=True, eq=False)
class TrainedPatch:
    """A patch, and what it does to the photographs that it was trained on, each at one drawn place.

    Attributes:
        image: ``uint8 (L, L, 3)``.
        before, after: share of them on which the noise that it began with, and it, have the effect wanted.
        ids: of the photographs.
        failures: photographs that could not be read, each with the reason.
    """

    image: Image
    before: float
    after: float
    ids: tuple[str, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 where every photograph could be read, else 1."""
        return 1 if self.failures else 0


def write_patch(
    classifier: Classifier,
    photographs: DataSet,
    target: ClassUnit | None,
    folder: Path,
    settings: PatchSettings,
    listener: Listener | None = None,
) -> TrainedPatch:
    """Train a patch and write it: a PNG file, ``grid.png`` with patched photographs, and ``features.json``.

    It is trained on the last photographs of the seeded order of which ``run --limit`` takes the first.

    Args:
        classifier: any model that has gradients.
        photographs: what it is put on.
        target: the class that every picture shall become; ``None`` for any but the one that the model sees without it.
        folder: replaced where an earlier command wrote it; refused where it holds anything else.
        settings: how.
        listener: listener of progress, in steps.

    Raises:
        ArgumentError: the folder holds other files.
        DataError: no photograph can be read.
        ModelError: the model has no gradients, or they are not finite.
        StoreError: the folder cannot be written to.

    Source: Brown et al. 2017, arXiv:1712.09665.
    Differs: shifted, neither turned nor scaled; colours that no printer has are allowed.
    """
    if not classifier.has_gradients:
        raise ModelError(f"{classifier.spec.name} has no gradients, and a patch is trained by them; use a torch model")
    refuse_strangers(folder)
    images, ids, failures = _read(photographs, settings)
    training = PatchTraining(classifier, images, target, settings)
    image, before, after = training.run(listener or Silence())
    trained = TrainedPatch(image, before, after, ids, failures)
    settings_form = {
        **json_form(settings),
        "photographs": len(ids),
        "data": photographs.name,
        "target": json_form(target),
    }
    del settings_form["batch_size"]
    exhibition = Exhibition(folder, about(classifier, PROTOCOL, settings_form))
    facts = {"effect_before": before, "effect_after": after, "trained_on": list(ids)}
    exhibition.add("patch", image, facts)
    exhibition.write(fold([SheetTile(("patch",), image), *training.panels(image)]))
    return trained


def _read(photographs: DataSet, settings: PatchSettings) -> tuple[list[Image], tuple[str, ...], tuple[Failure, ...]]:
    """The photographs on the 224 canvas, their ids, and what could not be read."""
    images, ids, failures = [], [], []
    for item in limited(photographs.items, None, settings.seed)[-settings.photographs :]:
        try:
            images.append(on_canvas(decode(item.file.read(), item.file.name), CANVAS_224))
        except SampleError as error:
            failures.append(Failure(item.id, str(error)))
        else:
            ids.append(item.id)
    if not images:
        reason = f": {failures[0].reason}" if failures else ""
        raise DataError(f"{photographs.name} at {photographs.location} has no photograph to put a patch on{reason}")
    return images, tuple(ids), tuple(failures)
