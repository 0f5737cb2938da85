"""Images attacked on a model, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness import attacks
from hardiness.api.held_models import classifier_of
from hardiness.attacks.threats import threat, threat_models
from hardiness.benchmarks.options import own_name
from hardiness.core.attack_plan import Norm, Round, epsilon_text
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.model import View
from hardiness.core.process import works_in_a_fork
from hardiness.core.request import Placement
from hardiness.core.result import TextTable
from hardiness.engine.attack import run_round, suspect_of
from hardiness.engine.cross_checks import Suspect
from hardiness.engine.victims import RoundOutcome, Victims
from hardiness.models.classifier import Classifier
from hardiness.models.frameworks import require_torch
from hardiness.models.preprocessing import to_pixels
from hardiness.report.tables import Form, table_of

if TYPE_CHECKING:
    from torch import Tensor, nn

NOT_BROKEN = -1
WIDTHS = (5, 5, 5, 4, 4, 8)
"""Widths of the columns where the table is printed."""


@dataclass(frozen=True)
class Effort:
    """Keyword arguments of `attack` beside those of the attack itself.

    Attributes:
        norm: the threat model: what epsilon bounds.
        steps: the most steps of each image.
        restarts: how often images that have not fallen are begun anew.
        targets: class index of each image that the attack must reach; ``None`` for any class but the label.
        seed: keys the draws of each image, together with its place among the images.
        batch_size: images in one pass; changes no result but by rounding.
        device: as in `Placement`.
    """

    norm: Norm = "linf"
    steps: int = 50
    restarts: int = 1
    targets: Sequence[int] | None = None
    seed: int = 0
    batch_size: int = 16
    device: str = "auto"

    def __post_init__(self) -> None:
        threat_models.refuse_faulty(self.norm)
        if self.norm not in threat_models:
            raise UnknownNameError("norm", self.norm, threat_models)
        for name in ("steps", "restarts", "batch_size"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name} must be at least 1, was {getattr(self, name)}")


@dataclass(frozen=True, eq=False, repr=False)
class AdversarialImages:
    """Adversarial images, and what became of each; every array has one entry an image.

    Attributes:
        pixels: float32 tensor ``(N, 3, H, W)``, RGB in [0, 1]: the picture that broke the model, else the last tried.
        broken: bool ``(N,)``, whether the model's answer is wrong (or the target), judged in fp32.
        step: int ``(N,)``, the step that broke it; 0 where the image was wrong before any, -1 where it stands.
        prediction, clean_prediction: int ``(N,)``, the model's answers to `pixels` and to the images as given; -1 where
            several logits are exactly as large as the largest: a tie is nobody's.
        distance: float32 ``(N,)``, how far `pixels` are from the images, in the norm that epsilon bounds.
        label: int ``(N,)``, as given.
        title: which attack this was, in words.
    """

    pixels: Tensor
    broken: NDArray[np.bool_]
    step: NDArray[np.int64]
    prediction: NDArray[np.int64]
    clean_prediction: NDArray[np.int64]
    distance: NDArray[np.float32]
    label: NDArray[np.int64]
    title: str

    def __len__(self) -> int:
        return len(self.broken)

    @property
    def images(self) -> NDArray[np.uint8]:
        """The pixels rounded to bytes, ``(N, H, W, 3)``: for looking at. Rounding may undo what was found."""
        return np.asarray((self.pixels * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())

    def __repr__(self) -> str:
        view = self.view()
        lines = [
            " ".join(f"{text:>{width}}" for text, width in zip(row, WIDTHS, strict=True))
            for row in (view.heads, *view.rows)
        ]
        return "\n".join([view.title, *lines])

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return self.view().html()

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row an image: its label, the answers to it before and after, whether and at which step it broke.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        columns = {
            "image": range(len(self)),
            "label": self.label.tolist(),
            "clean_prediction": self.clean_prediction.tolist(),
            "prediction": self.prediction.tolist(),
            "broken": self.broken.tolist(),
            "step": self.step.tolist(),
            "distance": self.distance.tolist(),
        }
        rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
        return table_of(((row, Condition()) for row in rows), form)

    def view(self) -> TextTable:
        """A row for each image."""
        images = zip(self.label, self.clean_prediction, self.prediction, self.step, self.distance, strict=True)
        rows = [
            (*map(str, (image, label, clean, now)), "-" if step == NOT_BROKEN else str(step), f"{distance:.4f}")
            for image, (label, clean, now, step, distance) in enumerate(images)
        ]
        title = f"{self.title}: {int(self.broken.sum())} of {len(self)} broken"
        return TextTable(title, ("image", "label", "clean", "now", "step", "distance"), tuple(rows))


@works_in_a_fork
def attack(
    model: str | Classifier | nn.Module,
    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]] | Tensor,
    labels: Sequence[int] | NDArray[np.integer[Any]] | Tensor,
    name: str = "pgd",
    *,
    epsilon: float,
    view: View | None = None,
    **options: Any,
) -> AdversarialImages:
    """Adversarial images, and what became of each.

    Args:
        model: a name, a loaded classifier, or an ``nn.Module`` with its ``view``.
        images: uint8 ``(N, H, W, 3)`` RGB, or float32 tensor ``(N, 3, H, W)`` in [0, 1]; square ones.
        labels: N class indices.
        name: a registered attack; `list_attacks` lists them. Or ``py:FILE.py:NAME``.
        epsilon: the largest change, in units of the [0, 1] range, e.g. ``4 / 255``.
        view: the module's preprocessing.
        options: ``norm``, ``steps``, ``restarts`` and the others of `Effort`, and the attack's own, e.g.
            ``relative_step=0.25`` for ``"pgd"``.

    Raises:
        ArgumentError: images, labels, the attack or an option are not as above, or torch is not installed.
        ModelError: the model has no gradients, or cannot be loaded.
        AttackError: the attack left its budget.
    """
    require_torch()
    name = own_name(name, attacks.registry)
    effort, plan = _planned(name, epsilon, options)
    pixels, classes = _pixels(images), _classes(labels)
    if len(classes) != len(pixels):
        raise ArgumentError(f"labels must be as many as images, {len(pixels)}; were {len(classes)}")
    targets = None if effort.targets is None else _classes(effort.targets)
    if targets is not None and len(targets) != len(pixels):
        raise ArgumentError(f"targets must be as many as images, {len(pixels)}; were {len(targets)}")
    if targets is not None and (same := np.flatnonzero(targets == classes)).size:
        raise ArgumentError(
            f"targets must be other classes than the labels, was class {targets[same[0]]} for image {same[0]}, which "
            "is its label; leave targets out to attack towards any other class"
        )
    classifier = classifier_of(model, view, Placement(device=effort.device))
    last = classifier.num_classes - 1
    for indices, argument in ((classes, "labels"), (targets, "targets")):
        if indices is not None and not 0 <= indices.min() <= indices.max() <= last:
            raise ArgumentError(f"{argument} must be from 0 to {last}, were {indices.min()} to {indices.max()}")
    if attacks.needs_gradients(name) and not classifier.has_gradients:
        raise ModelError(f"{classifier.spec.name} has no gradients and attack {name} needs them; use square")
    suspect = suspect_of(classifier, classifier.feed(pixels.shape[-1]))
    return _attack_in_batches(suspect, _Batch(pixels, classes, targets), plan, effort)


@dataclass(frozen=True, eq=False)
class _Batch:
    pixels: Tensor
    labels: NDArray[np.int64]
    targets: NDArray[np.int64] | None


def _planned(name: str, epsilon: float, options: dict[str, Any]) -> tuple[Effort, Round]:
    kind = attacks.registry.get(name)
    efforts = {each.name for each in fields(Effort)}
    names = sorted({each.name for each in fields(kind)} | efforts)  # type: ignore[arg-type]  # attacks are dataclasses
    for option in options:
        if option not in names:
            raise UnknownNameError(f"option of attack {name}", option, names)
    effort = Effort(**{option: value for option, value in options.items() if option in efforts})
    own = {option: value for option, value in options.items() if option not in efforts}
    if effort.norm not in attacks.threats_of(name):
        raise ArgumentError(f"attack {name} knows norms {', '.join(attacks.threats_of(name))}, was {effort.norm!r}")
    kind(**own)  # a wrong value is told before anything is loaded
    if not epsilon >= 0:
        raise ArgumentError(f"epsilon must be at least 0, was {epsilon}")
    attacks.check_epsilon(effort.norm, epsilon)
    plan = Round(
        attack=name,
        norm=effort.norm,
        epsilon=epsilon,
        marks={effort.steps: Condition(epsilon=epsilon, steps=effort.steps)},
        restarts=effort.restarts,
        targeted=effort.targets is not None,
        failed="last",
        options=own,
    )
    return effort, plan


def _attack_in_batches(suspect: Suspect, batch: _Batch, plan: Round, effort: Effort) -> AdversarialImages:
    """Batch after batch of the images, joined."""
    import torch

    parts: list[tuple[RoundOutcome, Victims]] = []
    for start in range(0, len(batch.pixels), effort.batch_size):
        victims = _victims(suspect, batch, slice(start, start + effort.batch_size))
        (judged,) = run_round(
            suspect.network or suspect.judge, victims, plan, effort.seed, keep_pixels=True, judge=suspect.judge
        )
        parts.append((judged, victims))
    pixels = torch.cat([judged.pixels.cpu() for judged, _ in parts if judged.pixels is not None])
    return AdversarialImages(
        pixels=pixels,
        broken=np.concatenate([judged.columns["success"] for judged, _ in parts]).astype(np.bool_),
        step=np.concatenate([judged.columns["step"] for judged, _ in parts]).astype(np.int64),
        prediction=np.concatenate(
            [attacks.sole_answers(torch.from_numpy(judged.logits)).numpy() for judged, _ in parts]
        ),
        clean_prediction=np.concatenate([attacks.sole_answers(victims.clean).cpu().numpy() for _, victims in parts]),
        distance=threat(plan.norm).distance(pixels, batch.pixels).numpy(),
        label=batch.labels,
        title=f"{plan.attack}, {plan.norm} {epsilon_text(plan.epsilon)}, {plan.steps} steps",
    )


def _victims(suspect: Suspect, batch: _Batch, rows: slice) -> Victims:
    import torch

    pixels = batch.pixels[rows]
    clean = suspect.logits(pixels)
    if not bool(torch.isfinite(clean).all()):
        raise ModelError("the model gives NaN or infinite logits for an image as given, so it cannot be attacked there")
    pixels = pixels.to(clean.device)
    # Ids are places among all images, so draws do not depend on the batches.
    samples = [str(number) for number in range(len(batch.pixels))[rows]]
    labels = torch.from_numpy(batch.labels[rows]).to(clean.device)
    targets = labels if batch.targets is None else torch.from_numpy(batch.targets[rows]).to(clean.device)
    return Victims(samples, pixels, labels, targets, clean)


def _pixels(images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]] | Tensor) -> Tensor:
    import torch

    if isinstance(images, torch.Tensor):
        pixels = images
        fine = pixels.ndim == 4 and pixels.shape[1] == 3 and pixels.dtype == torch.float32
        if not fine or (len(pixels) and not 0 <= pixels.min() <= pixels.max() <= 1):
            raise ArgumentError(f"images as a tensor must be float32 (N, 3, H, W) in [0, 1], were {_form(pixels)}")
    else:
        arrays = [np.asarray(image) for image in images]
        for number, image in enumerate(arrays):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.shape != arrays[0].shape:
                raise ArgumentError(f"images must be uint8 (H, W, 3) of one size; image {number} was {_form(image)}")
        pixels = to_pixels(arrays) if arrays else torch.empty(0, 3, 0, 0)
    if not len(pixels):
        raise ArgumentError("images must be at least one, were none")
    if pixels.shape[2] != pixels.shape[3]:
        raise ArgumentError(f"images must be square, were {pixels.shape[2]} x {pixels.shape[3]}; crop them first")
    return pixels.detach().cpu().contiguous(memory_format=torch.channels_last)


def _form(array: Any) -> str:
    kind = str(array.dtype).removeprefix("torch.")
    return f"{kind} {tuple(array.shape)}"


def _classes(labels: Any) -> NDArray[np.int64]:
    classes = np.asarray(labels)
    if classes.ndim != 1 or not np.issubdtype(classes.dtype, np.integer):
        raise ArgumentError(f"labels must be whole numbers (N,), were {_form(classes)}")
    return classes.astype(np.int64)
