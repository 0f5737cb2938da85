"""What to know of a model, in words."""

from __future__ import annotations

from collections.abc import Sequence

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
plain(
    ModelNote.SIGMOID,
    "its outputs are read as those of a sigmoid: logits are what lies before it, and the confidence is that of a class "
    "given that exactly one class is there",
)
plain(
    ModelNote.PROBABILITIES,
    "it puts out probabilities: their logarithms stand in place of logits, the same up to a constant, and what needs "
    "logits themselves (temperature, energy, the largest logit) is not given",
)
plain(
    ModelNote.OTHER_RESIZE,
    "{library} resizes with {resizes_by}, which does not smooth where it shrinks, and here photographs are resized as "
    "PIL does it, with the same filter; hardiness compare --noise measures what that changes (resize, {resizes_by})",
)
plain(ModelNote.TRAINING_MODE, "it was in training mode and is evaluated in evaluation mode")
plain(ModelNote.TRUSTED_CODE, "code beside the model ran on this machine, as {option}=true allows")
plain(
    ModelNote.UNCLEAR_ACTIVATION,
    "{architecture} computes with GELU; if the weights in {file} were trained with QuickGELU, as OpenAI's were, "
    "accuracy falls without an error: write openclip:{other}/{file}",
)
plain(
    ModelNote.OTHER_HEAD,
    "its head has {outputs:,} outputs, as {file} has, in place of {usual:,}: they are your own classes",
)
plain(
    ModelNote.PLAIN_GRADIENTS,
    "at {height}x{width} gradients go through the plain network: the folded one is not exact enough there",
)


@says(ModelNote.UNCLEAR_OUTPUTS)
def unclear_outputs(fact: Fact, source: str, sum_to_one: bool) -> Words:
    """As of the note."""
    if source == "file":
        return (
            "its answers are taken for logits, and all lie between 0 and 1",
            "if they are probabilities of each class by itself, write their logits log(p / (1 - p))",
        )
    if sum_to_one:
        advice = "state output=probabilities" if source == "graph" else "give the network without it"
        seen = "its outputs are taken for logits, and sum to 1 on two pictures, as those of a softmax do"
        return seen, f"{advice} where one makes them, else state output=logits"
    return (
        "its outputs are taken for logits, and all lie between 0 and 1 on two pictures",
        "state activation=sigmoid and output=probabilities where they are probabilities of each class by itself, else "
        "output=logits",
    )


@says(ModelNote.ASSUMED_VIEW)
def assumed_view(fact: Fact, fields: Sequence[str], resize_px: int, crop_px: int, interpolation: str) -> Words:
    """As of the note."""
    resized, trained = f"photographs are resized to {resize_px} px", "where it was trained otherwise"
    if len(fields) == 3:
        told = f"{resized} ({interpolation}) and cropped to {crop_px}, as is usual for ImageNet"
        return told, f"state resize_px=, crop_px= and interpolation= {trained}"
    if "interpolation" in fields:
        told = f"photographs are resized with the filter {interpolation}, because none is stated"
        return told, f"state interpolation= {trained}"
    cut = f"padded with black to {crop_px}" if resize_px < crop_px else f"cropped to the middle {crop_px}"
    return f"{resized} and {cut}, because {' and '.join(f'{key}=' for key in fields)} is not stated", "state both sizes"


@says(ModelNote.CHECKPOINT_ENTRY)
def checkpoint_entry(fact: Fact, file: str, entry: str, others: Sequence[str], is_average: bool) -> Words:
    """As of the note."""
    if others:
        other = ", ".join(f"#{name}" for name in others)
        return f"{file} holds several networks: {entry!r} was taken; weights=FILE{other} is another"
    if is_average:
        return f"its weights are a moving average (entry {entry!r} of {file})"
    return f"its weights are the entry {entry!r} of {file}"


@says(ModelNote.CHECKPOINT_TENSORS)
def checkpoint_tensors(fact: Fact, prefix: str, normalisation: Sequence[str], left_out: int, example: str) -> Words:
    """As of the note."""
    parts = []
    if prefix:
        parts.append(f"the prefix {prefix!r} of its checkpoint's names was taken off")
    if normalisation:
        parts.append(f"the normalisation in its checkpoint is the view's ({', '.join(normalisation)})")
    if left_out:
        parts.append(f"{left_out} tensors of another copy of the network in the file ({example}, …) were left out")
    return "; ".join(parts)


@says(ModelNote.WEIGHTS_CHECKED)
def weights_checked(fact: Fact, source: str, checked: int, unchecked: Sequence[str], cache: str = "") -> Words:
    """As of the note; `cache` is the hub's, and empty for a file of torch."""
    if not cache:
        return (
            f"{source} was checked against the hash in its name"
            if checked
            else f"{source} was not checked: its name holds no hash"
        )
    parts = []
    if checked:
        parts.append(f"{checked} file{'s' * (checked > 1)} of {source} checked against the hub's hashes")
    if unchecked:
        parts.append(f"{', '.join(unchecked)} of {source} not checked: the hub's cache holds no hash of them here")
    return "; ".join(parts) or f"its files were not checked: there are none of {source} in {cache}"


_EVIDENCE = {
    "statement": "as you say",
    "weights": "by the hash of its weights",
    "file name": "by the name of its file",
    "file": "by the hash of its file",
}


@says(ModelNote.RECOGNISED)
def recognised(fact: Fact, name: str, evidence: str) -> Words:
    """As of the note."""
    how = _EVIDENCE[evidence]
    return f"it is {name} of RobustBench, {how}; the published accuracies stand beside those of autoattack"


@says(ModelNote.OTHER_DEVICE)
def other_device(fact: Fact, asked: str, runtime: str) -> Words:
    """As of the note."""
    if runtime == "function":
        return f"it is called with images in main memory, and {asked} is used where it does so itself"
    return f"it runs on the CPU, because this ONNX Runtime has no CUDA (device {asked} was to be used)"


@says(ModelNote.ANSWERS_ELSEWHERE)
def answers_elsewhere(fact: Fact, source: str, kind: str, observer: str = "") -> Words:
    """As of the note."""
    if kind == "endpoint":
        told = f"its answers come from {source} and cannot be reproduced from weights"
        return f"{told}; how the endpoint resizes pictures is not known"
    if observer:
        return f"its answers are those of {observer} in {source}, trial by trial"
    if kind == "score":
        return f"its scores were computed elsewhere and read from {source}"
    return f"its answers were computed elsewhere and read from {source} ({kind})"


@says(ModelNote.REQUESTS)
def requests(fact: Fact, requests: int, retries: int, sent_bytes: int, of_questions: int, of_answers: int) -> Words:
    """As of the note."""
    retried = f", {retries:,} of them retries" if retries else ""
    used = f"; tokens: {of_questions:,} asked, {of_answers:,} answered" if of_questions else ""
    return f"{requests:,} request{'' if requests == 1 else 's'}{retried}, {sent_bytes / 1e6:,.1f} MB sent{used}"


@says(ModelNote.CONFIDENCE_COLUMN)
def confidence_column(fact: Fact, column: str, answers: str) -> Words:
    """As of the note."""
    told = f"its column {column} is taken for the confidence of {answers}"
    return f"{told}; a task's own score is evaluated by -b file:NAME, with the columns sample (or path) and score"


@says(ModelNote.PRECISION)
def precision(fact: Fact, precision: str, images: int, top1: float, largest: float) -> Words:
    """As of the note."""
    return (
        f"in {precision} against fp32 on its first {images} images: {100 * top1:.0f} % of top-1 equal, logits within "
        f"{largest:.1e} of the largest"
    )
