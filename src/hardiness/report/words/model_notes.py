"""What to know of a model, in words."""

from __future__ import annotations

from hardiness.core.codes import ModelNote
from hardiness.core.fact import Fact
from hardiness.report.words import Words, plain, says

plain(
    ModelNote.RANDOM_WEIGHTS,
    "its weights are random: speed and memory are those of the trained network, its answers mean nothing",
)
plain(
    ModelNote.LOW_PRECISION_GRAPH,
    "its graph is {precision} and is computed as it is by ONNX Runtime {version}; another runtime or processor may "
    "round otherwise",
)
plain(
    ModelNote.TRAINING_GRAPH,
    "its graph is exported in training mode ({nodes}): its answers depend on chance or on the other pictures of a "
    "call, and are not those of the trained network",
    "export it after eval()",
)
plain(
    ModelNote.SCALES_BY_CALL,
    "its graph chooses scales of integers by all images of a call: it is run an image at a time",
)
plain(ModelNote.OTHER_RUNTIME, "it ran in {runtime}: {line}")
plain(ModelNote.ANSWERS_ELSEWHERE, "its answers were computed elsewhere and read from {path} ({kind})")


@says(ModelNote.PRECISION)
def precision(fact: Fact, precision: str, images: int, top1: float, largest: float) -> Words:
    """As of the note."""
    return (
        f"in {precision} against fp32 on its first {images} images: {100 * top1:.0f} % of top-1 equal, logits within "
        f"{largest:.1e} of the largest"
    )
