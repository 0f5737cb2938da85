"""Where models are found by name: registered specs, schemes such as ``timm:NAME``, and the options after a name."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.model import MAX_PX, ModelSpec, View
from hardiness.core.registry import Registry, instance_of
from hardiness.models.failures import Caller
from hardiness.reference import robustbench

registry: Registry[ModelSpec] = Registry("model", "hardiness.models.zoo", "hardiness.models", instance_of(ModelSpec))
"""Every model that has a name of its own."""


@dataclass(frozen=True)
class Scheme:
    """A prefix and what it means.

    Attributes:
        form: what a person types, e.g. ``"timm:NAME"``.
        summary: one line for listings.
        spec: makes the spec from what follows the prefix and from the options of `options`.
        options: this scheme's own options and their help, beside those that every model has.
        names: all names that may follow the prefix, where they can be listed without a network; for searching.
        need_weights: raises a `DataError` where the published weights of what follows the prefix surely cannot be had;
            asked before the library is imported. Its second argument is the model's name, for the message.
    """

    form: str
    summary: str
    spec: Callable[[str, Mapping[str, str]], ModelSpec]
    options: Mapping[str, str] = field(default_factory=dict)
    names: Callable[[], list[str]] | None = None
    need_weights: Callable[[str, str], None] | None = None


schemes: Registry[Scheme] = Registry(
    "model scheme", "hardiness.models.zoo", "hardiness.model_schemes", instance_of(Scheme)
)
"""Every prefix, e.g. ``"timm"``; one file each."""


@dataclass(frozen=True)
class BuilderResult:
    """What a builder returns where the network alone does not say it all.

    Attributes:
        network: a ``torch.nn.Module``, or an `OnnxFile`.
        columns: which outputs to keep, in the order of the classes; ``None`` keeps all.
        spec: the spec as completed by building (view, number of classes), or ``None`` where nothing was learnt.
        code: source text of a person's own that made the network; ``None`` where a library did.
        rename: from a name in published checkpoints to the network's own, where a library has changed its names.
        notes: what a person should know about how it was built.
        outputs: ``"probabilities"`` where their logarithms stand in place of logits; empty for logits.
    """

    network: Any
    columns: tuple[int, ...] | None = None
    spec: ModelSpec | None = None
    code: str | None = None
    rename: Callable[[str], str] | None = None
    notes: tuple[str, ...] = ()
    outputs: str = ""


class OpaqueNetwork(ABC):
    """Base of networks that autograd cannot go through; `kind` says in words what they do, after the model's name."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """What it is, to follow the model's name in messages."""


@dataclass(frozen=True)
class OnnxFile(OpaqueNetwork):
    """An ONNX graph, and how it is fed and read.

    Attributes:
        path: of the file.
        layout: of the images that it takes.
        bytes_in: whether it takes them as uint8 and normalises them itself.
        size: height and width, where it fixes them.
        squashed: whether a square becomes an image of another shape by squashing; else its centre is cropped.
        output: name of the output that is read; the first if empty.
        probabilities: whether that holds probabilities, whose logarithms are given on.
        sigmoid: whether each class has a probability of its own, by a sigmoid.
        is_stated: whether a person has said whether it holds logits or probabilities.
        quantised: whether it computes in integers.
        one_by_one: whether it scales integers by all images of a call, so that each image needs a call of its own.
    """

    path: str
    layout: Literal["nchw", "nhwc"] = "nchw"
    bytes_in: bool = False
    size: tuple[int, int] | None = None
    squashed: bool = True
    output: str = ""
    probabilities: bool = False
    sigmoid: bool = False
    is_stated: bool = False
    quantised: bool = False
    one_by_one: bool = False

    @property
    def kind(self) -> str:
        return "runs in ONNX Runtime"


@dataclass(frozen=True, eq=False)
class PlainFunction(OpaqueNetwork):
    """A function of a person's own from a batch of images to a row of numbers for each.

    Attributes:
        function: takes ``uint8 (N, H, W, 3)`` as an array, or, without ``bytes_in``, normalised
            ``float32 (N, 3, H, W)`` as a tensor; returns ``(N, K)``.
        bytes_in: which of the two.
        outputs: ``"probabilities"`` where it returns these; empty for logits.
        sigmoid: whether each class has a probability of its own, by a sigmoid.
        description: what it is, in words.
        caller: calls it, on a thread that ends with it.
    """

    function: Callable[[Any], Any]
    bytes_in: bool = True
    outputs: str = ""
    sigmoid: bool = False
    description: str = "is a plain function"
    caller: Caller | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.caller is None:  # a copy with other outputs keeps the one thread
            object.__setattr__(self, "caller", Caller(self.function))

    def answer(self, batch: Any) -> Any:
        """What the function returns for a batch; raises as `Caller`."""
        assert self.caller is not None
        return self.caller(batch)

    @property
    def kind(self) -> str:
        return self.description


PROBABILITIES = (
    "it puts out probabilities: their logarithms stand in place of logits, the same up to a constant, and what needs "
    "logits themselves (temperature, energy, the largest logit) is not given"
)
"""A sentence for people about such a model."""

SMALLEST = 1e-38
"""A probability below this one counts as this: its logarithm is a number, and fp32 holds it."""


def log_probabilities(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithms of probabilities, which stand in place of logits."""
    return np.log(np.maximum(rows, np.float32(SMALLEST)))


ACTIVATION = "activation"
"""Name of the option that says which function makes probabilities of a network's logits."""

ACTIVATIONS = ("softmax", "sigmoid")

ACTIVATION_HELP = "softmax (usual), or sigmoid: each class has a probability of its own; one output is of two classes"

SIGMOID = (
    "its outputs are read as those of a sigmoid: logits are what lies before it, and the confidence is that of a class "
    "given that exactly one class is there"
)
"""A sentence for people about such a model."""

LARGEST_LOGIT = 17.0
"""Logit of a probability that is 1 in fp32: the next one below 1 has 16.6."""


def is_sigmoid(options: Mapping[str, str], name: str) -> bool:
    """Whether the options of a model say that its probabilities come from a sigmoid.

    Raises:
        UnknownNameError: they name another function than those of `ACTIVATIONS`.
    """
    stated = options.get(ACTIVATION, ACTIVATIONS[0])
    if stated not in ACTIVATIONS:
        raise UnknownNameError(f"activation of {name}", stated, ACTIVATIONS)
    return stated == "sigmoid"


def sigmoid_logits(rows: NDArray[np.float32], name: str, *, probabilities: bool) -> NDArray[np.float32]:
    """Logits whose softmax gives each class's probability if exactly one class is there.

    Args:
        rows: ``(N, K)`` outputs of a network with a probability for each class by itself; of one output the logits
            are of two classes, 0 and itself, so that the softmax is that very probability.
        name: the model's, for the message.
        probabilities: whether the rows are behind the sigmoid.

    Raises:
        ModelError: probabilities are not between 0 and 1.
    """
    values = rows.astype(np.float64)
    if probabilities:
        finite = values[np.isfinite(values)]
        if len(finite) and (finite.min() < -1e-3 or finite.max() > 1 + 1e-3):
            raise ModelError(
                f"{name} must put out probabilities from 0 to 1, puts out {finite.min():.3g} to {finite.max():.3g}; "
                "output=logits says that they are before the sigmoid"
            )
        with np.errstate(divide="ignore"):
            values = np.log(values.clip(SMALLEST, 1)) - np.log1p(-values.clip(0, 1))
        values = np.minimum(values, LARGEST_LOGIT)
    logits = values.astype(np.float32)
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits


def known_names() -> list[str]:
    """Every registered name, then every scheme's form, for listings and messages."""
    return registry.names() + [schemes.get(prefix).form for prefix in schemes]


RANDOM = "random"
"""The value of ``weights`` that stands for seeded random weights, for benches and tests."""

CLASS_ORDERS = ("wnid", "background+wnid", "own")

COMMON = {
    "weights": f"checkpoint file to load instead of the published weights, or {RANDOM!r}",
    "class_order": "how the outputs are ordered, asserted by you: " + ", ".join(CLASS_ORDERS),
    "input_px": "the one input size that the network accepts",
    "preprocessing": "file with its view: timm's, transformers' or albumentations' own, or py:FILE.py:TRANSFORM",
    "published": "its name on RobustBench's ImageNet leaderboard, whose numbers then stand beside yours",
    **{field.name: f"field of the view, e.g. {field.name}={{}}" for field in fields(View)},
}
"""Options that every model has, and their help."""


_ROW = re.compile(r"([^:/,=]+)=(.+)", re.DOTALL)


def row_and_model(text: str) -> tuple[str, str]:
    """``"NAME=MODEL"`` as the name of a row and the model; an empty name where none is given.

    What stands before the first ``=`` is a name only where it has no ``:``, ``/`` or ``,``: options follow a ``:``.
    """
    parts = _ROW.fullmatch(text)
    return (parts[1].strip(), parts[2]) if parts else ("", text)


_OPTIONS_BEGIN = re.compile(r":(?=[^\W\d]\w*=)")
_OPTION_AFTER_COMMA = re.compile(r",([^\W\d]\w*)=")


def split(text: str) -> tuple[str, dict[str, str]]:
    """``"NAME:key=value,…"`` as name and options, which begin at the first ``:word=``.

    Raises:
        ArgumentError: an option has no ``=`` or is given twice, or the first follows a comma.
    """
    begin = _OPTIONS_BEGIN.search(text)
    if begin is None:
        comma = _OPTION_AFTER_COMMA.search(text)
        if comma is not None and comma[1] in COMMON:
            meant = f"{text[: comma.start()]}:{text[comma.start() + 1 :]}"
            raise ArgumentError(f"the options of a model follow a colon, as in {meant}; was {text}")
        return text, {}
    name, tail = text[: begin.start()], text[begin.start() + 1 :]
    options: dict[str, str] = {}
    for place, part in enumerate(tail.split(","), 1):  # values are not repeated: an address may hold a key
        key, equals, value = part.partition("=")
        if not equals or not value:
            what = f"option {place} of {name!r}"
            raise ArgumentError(
                f"model options must read key=value,key=value; {what} has no {'value' if equals else '='}"
            )
        if key in options:
            raise ArgumentError(f"option {key!r} of model {name!r} is given twice; give it once")
        options[key.strip()] = value.strip()
    return name, options


def with_option(text: str, key: str, value: str) -> str:
    """``"NAME:key=value,…"`` with one option more, or with another value of it."""
    name, options = split(text)
    return f"{name}:{','.join(f'{each}={given}' for each, given in {**options, key: value}.items())}"


def apply(spec: ModelSpec, options: Mapping[str, str]) -> ModelSpec:
    """The spec with the options of `COMMON` applied.

    Raises:
        UnknownNameError: there is no such option.
        ArgumentError: a value is not what its option takes.
    """
    for key in options:
        if key not in COMMON:
            raise UnknownNameError(f"option of model {spec.name!r}", key, COMMON)
    changes: dict[str, object] = {"view": override(spec.view, options)}
    if "weights" in options:
        changes["weights"] = options["weights"]
    if "input_px" in options:
        changes["input_px"] = _integer("input_px", options["input_px"])
    if "published" in options:
        name = options["published"]
        if name not in robustbench.entries():
            raise UnknownNameError("RobustBench model", name, robustbench.entries())
        changes["published"] = name
    if "class_order" in options:
        order = options["class_order"]
        if order not in CLASS_ORDERS:
            raise UnknownNameError("class_order", order, CLASS_ORDERS)
        changes["options"] = (*spec.options, ("class_order", order))
    return replace(spec, **changes)  # type: ignore[arg-type]  # keys are fields of ModelSpec


def override(view: View, options: Mapping[str, str]) -> View:
    """The view with those of its fields replaced that the options name.

    Raises:
        ArgumentError: a value cannot be that field's.
    """
    changes: dict[str, object] = {}
    for each in fields(View):
        if each.name not in options:
            continue
        text, default = options[each.name], each.default
        if isinstance(default, int):
            changes[each.name] = _integer(each.name, text)
        elif isinstance(default, tuple):
            changes[each.name] = _numbers(each.name, text)
        else:
            changes[each.name] = text
    return replace(view, **changes)  # type: ignore[arg-type]  # keys are fields of View


def _integer(key: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_PX)) or not 1 <= int(text) <= MAX_PX:
        raise ArgumentError(f"{key} must be a whole number of at least 1 and at most {MAX_PX:,}, was {text[:40]!r}")
    return int(text)


def _numbers(key: str, text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split("/"))
    except ValueError:
        values = ()
    if len(values) not in (1, 3):
        raise ArgumentError(
            f"{key} must be one number or three, one per channel, as in {key}=0.5/0.5/0.5; was {text!r}"
        )
    return values * 3 if len(values) == 1 else values
