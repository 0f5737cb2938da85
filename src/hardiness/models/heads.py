"""The head of a network that was fine-tuned: as many classes as its checkpoint has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hardiness.core.codes import ModelNote
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec
from hardiness.models.catalogue import BuilderResult

if TYPE_CHECKING:
    from torch import Tensor, nn


def head_size(network: nn.Module, state: Mapping[str, Tensor]) -> int | None:
    """The number of classes of a checkpoint that fits a network but for its head; ``None`` where it fits or does not.

    All tensors of another shape must have one number of rows in the network and one in the checkpoint.
    """
    own = network.state_dict()
    both = [(own[name].shape, state[name].shape) for name in own if name in state]
    differing = [(ours, theirs) for ours, theirs in both if ours != theirs]
    if not differing or not all(ours and theirs and ours[1:] == theirs[1:] for ours, theirs in differing):
        return None
    sizes = {(ours[0], theirs[0]) for ours, theirs in differing}
    return sizes.pop()[1] if len(sizes) == 1 else None


def with_head(built: BuilderResult, spec: ModelSpec, state: Mapping[str, Tensor], file: str) -> BuilderResult:
    """The built model with the head that a checkpoint was trained with, and a note where it is another.

    Args:
        built: with the head of the published weights.
        spec: the model's.
        state: tensors under the network's own names.
        file: of the checkpoint, for the note.
    """
    classes = head_size(built.network, state) if built.resized else None
    if classes is None or built.resized is None:
        return built
    note = Fact(ModelNote.OTHER_HEAD, {"outputs": classes, "file": file, "usual": spec.num_classes})
    own = replace(spec, num_classes=0, class_names=None, source=replace(spec.source, parameters=None))
    return replace(built, network=built.resized(classes), columns=None, spec=own, notes=(*built.notes, note))
