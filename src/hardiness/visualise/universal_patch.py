"""One patch that fools a model on any picture, wherever it is put, as a folder of pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from hardiness.core import CANVAS_224, DataError, DataSet, Failure, Image, Listener, ModelError, SampleError, Silence
from hardiness.data import limited
from hardiness.imaging import decode, on_canvas
from hardiness.models import Classifier
from hardiness.visualise.exhibition import Exhibition, about, refuse_strangers
from hardiness.visualise.patch_training import PatchSettings, PatchTraining
from hardiness.visualise.sheet import SheetTile, folded
from hardiness.visualise.units import ClassUnit

PROTOCOL = "universal-patch"


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
    """The patch, which it also writes: a PNG file, ``grid.png`` with patched photographs, and ``features.json``.

    It is trained on the last photographs of the seeded order of which ``run --limit`` takes the first.

    Args:
        classifier: any model that has gradients.
        photographs: what it is put on.
        target: the class that every picture shall become; ``None`` for any but the one that the model sees without it.
        folder: replaced where an earlier command wrote it; refused where it holds anything else.
        settings: how.
        listener: hears of progress, in steps.

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
    made = TrainedPatch(image, before, after, ids, failures)
    stated = {
        **asdict(settings),
        "photographs": len(ids),
        "data": photographs.name,
        "target": target.as_dict() if target else None,
    }
    del stated["batch_size"]
    exhibition = Exhibition(folder, about(classifier, PROTOCOL, stated))
    facts = {"effect_before": before, "effect_after": after, "trained_on": list(ids)}
    exhibition.add("patch", image, facts)
    exhibition.write(folded([SheetTile(("patch",), image), *training.panels(image)]))
    return made


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
