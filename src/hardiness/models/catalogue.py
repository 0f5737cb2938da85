"""Models by name: registered specs, schemes such as ``timm:NAME``, and the forms in which a model is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hardiness.core.errors import ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec
from hardiness.core.registry import Registry, instance_of
from hardiness.models.caller import Caller
from hardiness.models.options import row_and_model, split

registry: Registry[ModelSpec] = Registry("model", "hardiness.models.zoo", "hardiness.models", instance_of(ModelSpec))
"""Every model that has a name of its own."""


@dataclass(frozen=True)
class Scheme:
    """A prefix of names, and the specs that it stands for.

    Attributes:
        form: what a person types, e.g. ``"timm:NAME"``.
        summary: one line for listings.
        spec: makes the spec from what follows the prefix and from the options of `options`.
        options: this scheme's own options and their help, beside those that every model has.
        names: all names that may follow the prefix, where they can be listed without a network; for searching.
        need_weights: raises a `DataError` where the published weights of what follows the prefix surely cannot be had;
            asked before data are looked at. Its second argument is the model's name, for the message.
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
    """The result of a builder, where the network alone does not say it all.

    Attributes:
        network: a ``torch.nn.Module``, or an `OnnxFile`.
        columns: which outputs to keep, in the order of the classes; ``None`` keeps all.
        spec: the spec as completed by building (view, number of classes), or ``None`` where nothing was learnt.
        code: source text of a person's own that made the network; ``None`` where a library did.
        rename: from a name in published checkpoints to the network's own, where a library has changed its names.
        resized: makes the network anew with another number of classes, for a checkpoint that was fine-tuned; ``None``
            where it cannot be.
        notes: what a person should know about how it was built.
        outputs: ``"probabilities"`` where their logarithms stand in place of logits; empty for logits.
    """

    network: Any
    columns: tuple[int, ...] | None = None
    spec: ModelSpec | None = None
    code: str | None = None
    rename: Callable[[str], str] | None = None
    resized: Callable[[int], Any] | None = None
    notes: tuple[Fact, ...] = ()
    outputs: str = ""

    def __post_init__(self) -> None:
        if lines := [note for note in self.notes if not isinstance(note, Fact)]:
            raise ModelError(
                f"notes of a BuilderResult must be facts, and one is {lines[0]!r:.60}; write Fact('PACKAGE.CODE', …) "
                "as docs/extend.md shows"
            )


class OpaqueNetwork(ABC):
    """Base of networks that autograd cannot go through; `kind` says in words what they do, after the model's name."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of model in words, to follow its name in messages."""


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
        """The function's answer to a batch; raises as `Caller`."""
        assert self.caller is not None
        return self.caller(batch)

    @property
    def kind(self) -> str:
        return self.description


def package_of(spec: ModelSpec) -> str:
    """The place in somebody else's package that a model is from, as ``module:name of distribution 1.0``; else empty."""
    if not spec.build:  # a network that was handed over in Python may have any name
        return ""
    name, _ = split(row_and_model(spec.asked)[1] or spec.name)
    prefix, colon, _ = name.partition(":")
    return schemes.package_of(prefix) if colon else registry.package_of(name)


def known_names() -> list[str]:
    """Every registered name, then every scheme's form, for listings and messages."""
    return registry.names() + [schemes.get(prefix).form for prefix in schemes]
