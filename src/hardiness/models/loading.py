"""Classifiers of named models, and of any torch module or function."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, ModelSpec, View
from hardiness.core.random import rng
from hardiness.models.activation import ACTIVATION, is_sigmoid
from hardiness.models.catalogue import BuilderResult, OnnxFile, OpaqueNetwork, PlainFunction, package_of
from hardiness.models.chat.model import ChatModel
from hardiness.models.checkpoints import read_checkpoint
from hardiness.models.classes import output_columns
from hardiness.models.classifier import Classifier
from hardiness.models.failures import contained, foreign_errors
from hardiness.models.frameworks import require_torch
from hardiness.models.heads import with_head
from hardiness.models.identity import Identity, outputs_sha256, state_sha256
from hardiness.models.logits import logits_of
from hardiness.models.naming import resolve
from hardiness.models.onnx_graph import onnx_sha256
from hardiness.models.options import RANDOM, override, row_and_model, split
from hardiness.models.own_file import imported_anew
from hardiness.models.own_functions import (
    MaiteModel,
    class_names_of,
    foreign,
    identity_of,
    read_by_sigmoid,
    refuse_numbers,
)
from hardiness.models.own_source import code_sha256
from hardiness.models.placement import ComputeSettings, place
from hardiness.models.preprocessing import Normalisation
from hardiness.models.random_weights import randomise
from hardiness.models.recognition import recognised
from hardiness.models.runtimes.function_runtime import are_percentages, are_probabilities, are_shares, first_answer
from hardiness.models.stated_views import PREPROCESSING, assumed_geometry, refuse_other_range
from hardiness.models.view_files import read_view
from hardiness.models.weights import assign, check_parameters, fit, refuse_not_finite
from hardiness.models.whole_pictures import (
    JPEG,
    TAKES,
    WholePictureModel,
    first_rows,
    refuse_view,
    whole_picture_of,
)
from hardiness.models.zero_shot import TextPlace, embedded_at
from hardiness.sources.downloads import Progress, fetch
from hardiness.store.files import Files

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn


_ZOO = "hardiness.models.zoo."
WEIGHTS_URL = "HARDINESS_WEIGHTS_URL"
"""Environment variable: folder URL of a mirror that holds the published checkpoints under their own file names."""


def load(
    spec: ModelSpec | str,
    *,
    device: str = "auto",
    precision: str = "fp32",
    runtime: str = "auto",
    progress: Progress | None = None,
    files: Files | None = None,
) -> Classifier:
    """The classifier that ``spec`` (or a name, as on the command line) describes, with its weights.

    Args:
        spec: a spec, or what `resolve` takes.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``fp32``; ``bf16`` or ``fp16`` (GPU only) trade exactness for speed in `Classifier.logits`.
        runtime: ``auto`` or the name of one.
        progress: told how a download goes: bytes so far, and in all where known.
        files: of the output folder, where it is kept what zero-shot models made of the classes' names.

    Raises:
        ArgumentError: the model is unknown, or device, precision or runtime are not there.
        DataError: the weights cannot be had.
        ModelError: the weights do not fit, or the model is no classifier.
    """
    model = resolve(spec) if isinstance(spec, str) else spec
    placement = place(device, precision, runtime, onnx=model.name.startswith("onnx:"))
    with embedded_at(TextPlace(placement.device, files)):
        built = _named(_built(model), model)
    classifier = _with_weights(built, model, placement, progress)
    row, _ = row_and_model(model.asked)
    if row:
        classifier.spec = replace(classifier.spec, name=row)
    if isinstance(classifier, Classifier):
        again = partial(load, spec, device=device, precision=precision, runtime=runtime, files=files)
        file = Path(model.name.removeprefix("py:").rpartition(":")[0]) if model.name.startswith("py:") else None
        classifier.load_afresh_by(_OwnCodeAnew(file, again) if file else cache(again))
    return classifier


@dataclass(frozen=True)
class _OwnCodeAnew:
    """Loads a model again at each call, with a person's own file and its neighbours imported once more.

    A library's model is loaded again once: its code keeps nothing of the images that it is shown, its instances might.
    """

    file: Path
    again: Callable[[], Classifier]

    def __call__(self) -> Classifier:
        with imported_anew(self.file):
            return self.again()


def _with_weights(
    built: BuilderResult, model: ModelSpec, placement: ComputeSettings, progress: Progress | None
) -> Classifier:
    """The classifier of a built model, with the weights that the spec asks for."""
    built = replace(built, notes=(*built.notes, *_of_preprocessing(model)))
    if isinstance(built.network, PlainFunction):
        return _of_function(built, model, placement)
    if isinstance(built.network, ChatModel):
        if placement.precision != "fp32":
            raise ArgumentError(f"precision {placement.precision} is not for {model.name}, which answers elsewhere")
        return cast(Classifier, built.network)  # the engine asks it questions, and nothing else of a classifier
    if isinstance(built.network, OnnxFile):
        return _of_graph(built, model, placement)
    with foreign_errors(model.name, "cannot take its weights", package_of(model)):
        built = _add_weights(built, built.spec or model, progress)
        check_parameters(built.network, built.spec or model)
        built = replace(built, network=_settled(built.network, model.name, placement))
    identity = Identity(state_sha256(built.network.state_dict()), code_sha256=_code(built, model))
    spec = built.spec or model
    built = _with_activation(built, spec)
    return _classifier(built, model, placement, identity, is_stated="output" in dict(spec.options))


def _of_graph(built: BuilderResult, model: ModelSpec, placement: ComputeSettings) -> Classifier:
    """The classifier of an ONNX graph, with a line where its outputs for two pictures may be probabilities.

    Raises:
        ArgumentError: a sigmoid is stated, and the graph may end behind it or before it.
    """
    graph = cast(OnnxFile, built.network)
    identity = Identity(onnx_sha256(Path(graph.path)))
    classifier = _classifier(built, model, placement, identity)
    if graph.probabilities or graph.is_stated:
        return classifier
    spec = classifier.spec
    try:
        rows = classifier.logits(_probe_pixels(spec.input_px or spec.view.crop_px))
    except ModelError:  # its evaluation raises it again
        return classifier
    if graph.sigmoid:
        _is_behind_sigmoid(rows, None, spec.name)
        return classifier
    _refuse_percentages(rows, spec.name)
    if notes := _of_shares(rows, "graph"):
        return _classifier(replace(built, notes=(*built.notes, *notes)), model, placement, identity)
    return classifier


def _with_activation(built: BuilderResult, spec: ModelSpec) -> BuilderResult:
    """The network of torch that was built, its outputs read as its spec's options say.

    Raises:
        ArgumentError: they name no known activation, or no known output.
        ModelError: the network fails.
    """
    import torch

    options = dict(spec.options)
    if not is_sigmoid(options, spec.name):
        return built
    side, network = spec.input_px or spec.view.crop_px, built.network
    device = next(network.parameters(), torch.empty(0)).device
    with (
        foreign_errors(spec.name, f"fails on 2 images of {side} x {side} px", package_of(spec)),
        contained(),
        torch.no_grad(),
    ):
        normalised = Normalisation.from_view(spec.view)(_probe_pixels(side).to(device))
        rows = read_by_sigmoid(network, spec.name, behind=False)(normalised).cpu().numpy()
    behind = _is_behind_sigmoid(rows, _stated_output(spec), spec.name)
    network = read_by_sigmoid(network, spec.name, behind=behind)
    return replace(built, network=network, notes=(*built.notes, Fact(ModelNote.SIGMOID)))


def _is_behind_sigmoid(rows: NDArray[np.float32], stated: str | None, name: str) -> bool:
    """Whether outputs are probabilities, where a sigmoid makes these; numbers beyond 0 and 1 show that they are not.

    Raises:
        ArgumentError: two pictures do not show it, and nobody has stated it.
    """
    if stated is None and are_shares(rows):
        raise ArgumentError(
            f"{name} puts out numbers from 0 to 1 on two pictures, which may be behind its sigmoid or before it: state "
            "output=probabilities or output=logits"
        )
    return stated == "probabilities"


def _refuse_percentages(rows: NDArray[np.float32], name: str) -> None:
    """Raise an error where outputs for two pictures are probabilities in percent.

    Raises:
        ArgumentError: they are.
    """
    if are_percentages(rows):
        raise ArgumentError(
            f"{name} puts out probabilities in percent on two pictures (none is negative, each row sums to 100): "
            "divide them by 100; if they are logits, state output=logits"
        )


def _stated_output(spec: ModelSpec) -> str | None:
    """The kind of outputs that the options say a function returns.

    Raises:
        UnknownNameError: they say something else than logits and probabilities.
    """
    stated = dict(spec.options).get("output")
    if stated not in (None, "logits", "probabilities"):
        raise UnknownNameError(f"output of {spec.name}", stated, ("logits", "probabilities"))
    return stated


def _of_function(built: BuilderResult, model: ModelSpec, placement: ComputeSettings) -> Classifier:
    """The classifier of a plain function, whose first answer to a picture tells how many classes it has.

    Raises:
        ArgumentError: the precision or runtime asked for is not for a function, or as for `_spec_of_function`.
        ModelError: it fails, or its answer is of another shape.
    """
    network, spec = built.network, _spec_of_function(built, model)
    if placement.precision != "fp32":
        raise ArgumentError(
            f"precision {placement.precision} is not for {spec.name}, which computes as it does; use fp32"
        )
    if placement.plain or placement.candidates == ("openvino",):
        raise ArgumentError(f"{spec.name} {network.kind}, which no runtime runs; leave runtime at auto")
    network = replace(network, sigmoid=is_sigmoid(dict(spec.options), spec.name))
    rows = _first_rows_of_function(network, spec)
    stated = _stated_output(spec)
    if network.sigmoid:
        behind = _is_behind_sigmoid(rows, stated, spec.name)
    else:
        if stated != "logits":
            _refuse_percentages(rows, spec.name)
        behind = stated == "probabilities" or (stated is None and are_probabilities(rows))
    outputs = "probabilities" if behind else ""
    with foreign_errors(spec.name, "cannot be used", package_of(spec)):
        code = identity_of(network.function, built.code or "", dict(spec.options).get("tag"))
    network = replace(network, outputs=outputs)
    notes = [*built.notes]
    if network.sigmoid:
        notes.append(Fact(ModelNote.SIGMOID))
    elif outputs:
        notes.append(Fact(ModelNote.PROBABILITIES))
    elif stated is None:
        notes += _of_shares(rows, "function")
    if placement.device != "cpu":
        notes.append(Fact(ModelNote.OTHER_DEVICE, {"asked": placement.device, "runtime": "function"}))
    placement = replace(placement, device="cpu", candidates=("function",), notes=())
    outputs = "" if network.sigmoid else outputs
    built = replace(built, network=network, spec=spec, notes=tuple(notes), outputs=outputs)
    # There are no tensors to hash: what it holds of them counts with its code.
    identity = Identity(code, code_sha256=code)
    width = 2 if network.sigmoid and rows.shape[1] == 1 else rows.shape[1]
    return _classifier(built, model, placement, identity, width=width)


def _first_rows_of_function(network: PlainFunction, spec: ModelSpec) -> NDArray[np.float32]:
    """A function's first answer, to two pictures of one size, or, where it takes whole ones, of two sizes.

    Raises:
        ArgumentError: it is stated that it takes whole pictures, and it is called with tensors.
        ModelError: it fails, or its answer is of another shape.
    """
    form = whole_picture_of(dict(spec.options), spec.name)
    if form is not None:
        if not network.bytes_in or isinstance(network.function, MaiteModel):
            raise ArgumentError(f"{TAKES}= is not for {spec.name}, which {network.kind}; leave it out")
        what = f"fails on 2 {'files' if form.encoded else 'pictures'} of two sizes"
        with foreign_errors(spec.name, what, package_of(spec)), contained():
            return first_rows(network, spec.name, form)
    side = spec.input_px or spec.view.crop_px
    with foreign_errors(spec.name, f"fails on 2 images of {side} x {side} px", package_of(spec)):
        rows: NDArray[np.float32] = first_answer(
            network, spec.name, _probe_pixels(side), Normalisation.from_view(spec.view)
        )
        return rows


def _spec_of_function(built: BuilderResult, model: ModelSpec) -> ModelSpec:
    """The spec of a function, made of the statements of its builder, of the object itself and of a person.

    The builder's word counts where the others are silent. What it states of the outputs stands among the options, as
    if a person had stated it, so that it is part of the identity.

    Raises:
        ArgumentError: two of them state different things, or numbers are stated for a function that takes bytes.
    """
    network, spec = built.network, built.spec or model
    typed = split(row_and_model(model.asked)[1])[1]
    options = dict(model.options)
    outputs = {"output": network.outputs or built.outputs, ACTIVATION: "sigmoid" if network.sigmoid else ""}
    for key, value in (*spec.options, *((key, value) for key, value in outputs.items() if value)):
        _refuse_two(model.name, key, value, options.setdefault(key, value), "asked for")
    view = model.view if PREPROCESSING in typed else override(spec.view, typed)
    for item in fields(View):
        _refuse_two(model.name, item.name, getattr(spec.view, item.name), getattr(view, item.name), "asked for")
    if TAKES in options:
        refuse_view(model.name, {**options, **typed})
    if network.bytes_in:
        if PREPROCESSING not in typed:
            refuse_numbers(model.name, view)
        view = replace(view, mean=(0.0,) * 3, std=(1.0,) * 3)
    if "input_px" in typed and spec.input_px is not None:
        _refuse_two(model.name, "input_px", spec.input_px, model.input_px, "asked for")
    stated = spec.class_names or model.class_names
    is_ordered = options.get("class_order") in ("wnid", "background+wnid")  # a person's word: they are ImageNet's
    own = None if is_ordered else class_names_of(network.function)
    if stated and own and model.build:  # who hands an object to `wrap` may give its classes other names
        _refuse_two(model.name, "class_names", stated, own, "by the object itself")
    return replace(
        spec,
        view=view,
        input_px=model.input_px if spec.input_px is None else spec.input_px,
        class_names=stated or own,
        options=tuple(options.items()),
        asked=model.asked,
    )


def _refuse_two(name: str, key: str, built: object, other: object, whose: str) -> None:
    """Raise an error where a builder states one value and somebody else another.

    Raises:
        ArgumentError: naming both.
    """
    if built != other:
        first, second = (value if isinstance(value, str | int) else repr(value)[:60] for value in (built, other))
        raise ArgumentError(f"{name} has {key}={first} by its builder and {key}={second} {whose}; leave one out")


def _of_shares(rows: NDArray[np.float32], source: Literal["function", "graph", "network"]) -> tuple[Fact, ...]:
    """A note where outputs for two pictures that are taken for logits may be probabilities.

    Those of a function do not sum to 1: that was looked for before.
    """
    if not are_shares(rows):
        return ()
    sum_to_one = source != "function" and are_probabilities(rows)
    return (Fact(ModelNote.UNCLEAR_OUTPUTS, {"source": source, "sum_to_one": sum_to_one}),)


def _probe_pixels(side: int) -> Tensor:
    """Two pictures of coarse patches, float32 ``(2, 3, side, side)``, that are bytes over 255."""
    import torch

    draws = rng(0, "function", side).integers(0, 256, (2, 3, side // 16 + 1, side // 16 + 1)).astype(np.float32)
    return torch.from_numpy(draws.repeat(16, 2).repeat(16, 3)[:, :, :side, :side] / 255.0)


def _of_preprocessing(spec: ModelSpec) -> tuple[Fact, ...]:
    """Notes on the file that states the view."""
    file = split(spec.asked)[1].get(PREPROCESSING)
    return read_view(file).notes if file else ()


def _code(built: BuilderResult, spec: ModelSpec) -> str:
    """The hash over code that no library made; else empty."""
    tag = dict(spec.options).get("tag")
    own = built.code is not None or tag or not spec.build.startswith(_ZOO)
    return code_sha256(built.network, built.code or "", tag) if own else ""


def wrap(
    module: nn.Module | Callable[[Any], Any],
    view: View | None,
    *,
    name: str,
    num_classes: int | None = None,
    class_names: tuple[str, ...] | None = None,
    **options: str,
) -> Classifier:
    """A classifier around a copy of a torch module that takes normalised images, or around a plain function.

    The copy is put in evaluation mode and shares nothing with the original, which may go on training.

    Args:
        module: takes ``(N, 3, H, W)`` normalised as ``view`` says; returns ``(N, K)``, or an output that has logits. Or
            a function, or any object that can be called, from ``uint8 (N, H, W, 3)`` to ``(N, K)`` logits or
            probabilities; a model of MAITE; TorchScript, a program of ``torch.export``, an int8 network.
        view: the preprocessing it was trained with; of a plain function its geometry alone, which it must state.
        name: under which its results are kept.
        num_classes: K, checked; found by one forward pass where not given.
        class_names: its classes in the order of its outputs, where they are not ImageNet's 1,000.
        options: ``device``, ``precision``, ``runtime`` as in `load`; ``tag``, a name for the module's code: by default
            results belong to the code itself, and to edit ``forward`` is to make another model; ``output``, which says
            whether a function returns ``logits`` or ``probabilities``, by default seen on a picture; ``activation``,
            ``sigmoid`` where each class has a probability by itself, or one output is of two classes; ``takes``,
            ``encoded`` or ``full``, of a function that is given a list of files as bytes, or of pictures ``uint8 (H, W,
            3)`` at their own size, and needs no view; ``jpeg``, the quality of the corrupted ones among those files.

    Raises:
        ArgumentError: ``class_names`` and classes differ in number, or as for `load`.
        ModelError: the module cannot be copied or returns no logits.
    """
    require_torch()
    from torch import nn

    names = ("device", "precision", "runtime", "tag", "output", ACTIVATION, TAKES, JPEG)
    if unknown := set(options).difference(names):
        raise ArgumentError(f"wrap has no argument {min(unknown)!r}; it takes {', '.join(names)}")
    placement = place(
        options.get("device", "auto"), options.get("precision", "fp32"), options.get("runtime", "auto"), onnx=False
    )
    with foreign_errors(name, "cannot be used"):
        function = foreign(module)
    if function is not None:
        stated = tuple((key, str(options[key])) for key in ("tag", "output", ACTIVATION, TAKES, JPEG) if key in options)
        if whole_picture_of(dict(stated), name):
            refuse_view(name, dict(stated), view)
            view = View()
        if view is None and function.bytes_in:
            raise ArgumentError(
                f"{name} takes images as bytes and needs view=hardiness.View(resize_px=…, crop_px=…): how photographs "
                "are brought to its size is never guessed"
            )
        view = _stated_view(view)
        spec = ModelSpec(name, "", view, num_classes=0, class_names=class_names, options=stated)
        notes = () if TAKES in options else assumed_geometry(view, view.stated)
        built = BuilderResult(function, code="", notes=notes)
        classifier = _of_function(built, spec, placement)
        return _with_classes(classifier, num_classes)
    if TAKES in options or JPEG in options:
        raise ArgumentError(f"{TAKES} goes with a function, and {name} is a network, which has a view; leave it out")
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            f"module must be a torch.nn.Module or a function, was a {type(module).__name__}{_as_function(module)}"
        )
    with foreign_errors(name, "cannot be copied; pass a module whose tensors are parameters or buffers"):
        network = copy.deepcopy(module)
    view = _stated_view(view)
    notes = assumed_geometry(view, view.stated)
    notes += (Fact(ModelNote.TRAINING_MODE),) if module.training else ()
    with foreign_errors(name, "cannot be used"):
        network = _settled(network, name, placement)
    read = ("output", ACTIVATION) if ACTIVATION in options else ()
    stated = tuple((key, options[key]) for key in ("tag", *read) if key in options)
    spec = ModelSpec(name, "", view, num_classes=0, class_names=class_names, options=stated)
    built = BuilderResult(network, code="", notes=notes)
    tag = options.get("tag")
    identity = Identity(state_sha256(network.state_dict()), code_sha256=code_sha256(network, tag=tag))
    untouched = _Untouched.of(network, identity.weights_sha256, identity.code_sha256 if tag is None else "")

    def classify_by(network: nn.Module) -> Classifier:
        with_logits = _with_activation(replace(built, network=network), spec)
        classifier = _classifier(with_logits, spec, placement, identity, is_stated="output" in options)
        return _with_classes(classifier, num_classes)

    return classify_by(network).load_afresh_by(lambda: classify_by(untouched.copy()))


@dataclass(frozen=True)
class _Untouched:
    """A copy of a module, made before that was shown any image; it shares its parameters.

    Attributes:
        network: the copy.
        weights_sha256, code: hashes of the module, as it was then.
    """

    network: nn.Module
    weights_sha256: str
    code: str

    @classmethod
    def of(cls, network: nn.Module, weights_sha256: str, code: str) -> _Untouched:
        """A copy of a network that has just been settled; where its code has a name of its own it is hashed here."""
        copied = _with_the_same_parameters(network)
        return cls(copied, weights_sha256, code or code_sha256(copied))

    def copy(self) -> nn.Module:
        """Another copy.

        Raises:
            ModelError: its parameters, which the module that was shown images has too, have changed since.
        """
        same = state_sha256(self.network.state_dict()) == self.weights_sha256
        if not same or code_sha256(self.network) != self.code:
            raise ModelError("what the network shares with its copies has changed since it was handed over")
        return _with_the_same_parameters(self.network)


def _as_function(value: Any) -> str:
    """How an object that predicts, such as a pipeline of scikit-learn, is given as a function; empty for another."""
    method = next((name for name in ("predict_proba", "decision_function", "predict") if hasattr(value, name)), "")
    if not method:
        return ""
    return (
        f"; give a function that calls it, from uint8 (N, H, W, 3) to (N, K), as in lambda images: model.{method}("
        "images.reshape(len(images), -1)), with view=hardiness.View(…) for the size of its pictures"
    )


def _with_the_same_parameters(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network, {id(parameter): parameter for parameter in network.parameters()})


def _stated_view(view: View | None) -> View:
    if view is None:
        raise ArgumentError("an nn.Module needs view=hardiness.View(...): without its preprocessing no number is right")
    return view


def _with_classes(classifier: Classifier, num_classes: int | None) -> Classifier:
    if num_classes not in (None, classifier.num_classes):
        raise ModelError(f"{classifier.spec.name} must have {num_classes} classes, puts out {classifier.num_classes}")
    return classifier


def _built(spec: ModelSpec) -> BuilderResult:
    import torch

    # Layers draw their initial values from torch's global generator; the caller's stream is left as it was.
    with foreign_errors(spec.name, "cannot be built", package_of(spec)), contained():
        torch.manual_seed(0)
        built = spec.builder()(spec)
    return built if isinstance(built, BuilderResult) else BuilderResult(built)


def _named(built: BuilderResult, spec: ModelSpec) -> BuilderResult:
    """The built model with the name under which others have published numbers of its weights, where that is known."""
    name, evidence = recognised(spec)
    if not name:
        return built
    note = Fact(ModelNote.RECOGNISED, {"name": name, "evidence": evidence})
    return replace(built, spec=replace(built.spec or spec, published=name), notes=(*built.notes, note))


def _add_weights(built: BuilderResult, spec: ModelSpec, progress: Progress | None) -> BuilderResult:
    """The built model with the weights asked for, where the builder has not put in the published ones itself.

    A checkpoint with another number of classes than the published one brings the size of its head.
    """
    if spec.weights == RANDOM:
        randomise(built.network)
        return replace(built, notes=(*built.notes, Fact(ModelNote.RANDOM_WEIGHTS)))
    file = spec.weights
    if file is None and spec.source.url:
        file = str(fetch(_address(spec.source.url), sha256=spec.source.sha256, progress=progress))
    if file is None:
        return built
    checkpoint = read_checkpoint(file)
    state = (
        {built.rename(name): tensor for name, tensor in checkpoint.state.items()} if built.rename else checkpoint.state
    )
    fitted = fit(list(built.network.state_dict()), state, spec.view, file)
    built = with_head(built, spec, fitted.state, file)
    assign(built.network, fitted.state, file)
    return replace(built, notes=(*built.notes, *checkpoint.notes, *fitted.notes))


def _address(url: str) -> str:
    mirror = os.environ.get(WEIGHTS_URL)
    return f"{mirror.rstrip('/')}/{url.rpartition('/')[2]}" if mirror else url


def _settled(network: nn.Module, name: str, placement: ComputeSettings) -> nn.Module:
    """The network in evaluation mode and in its place, once all its tensors are numbers."""
    if empty := [name for name, tensor in network.state_dict().items() if tensor.is_meta]:
        raise ModelError(
            f"{len(empty)} tensors of the network have no values ({empty[0]}, …); its builder must load them"
        )
    refuse_not_finite(network, name)
    network = network.eval().requires_grad_(False)
    return network.to(placement.device)


def _classifier(
    built: BuilderResult,
    model: ModelSpec,
    placement: ComputeSettings,
    identity: Identity,
    width: int | None = None,
    is_stated: bool = False,
) -> Classifier:
    """The classifier of a built model; ``is_stated`` where a person has stated the kind of its outputs."""
    network, spec, notes = built.network, built.spec or model, built.notes
    refuse_other_range(spec.name, spec.view)
    if not isinstance(network, OpaqueNetwork):
        zeros, spec = _probed(network, spec)
        width = zeros.shape[1]
        may_be_shares = are_shares(zeros) or are_percentages(zeros)
        if may_be_shares and not (is_stated or is_sigmoid(dict(spec.options), spec.name)):
            pixels = _probe_pixels(spec.input_px or spec.view.crop_px)
            with foreign_errors(spec.name, "fails on 2 images", package_of(spec)):
                rows = _outputs(network, spec, pixels)
            _refuse_percentages(rows, spec.name)
            notes += _of_shares(rows, "network")
    columns = output_columns(spec, width or spec.num_classes, built.columns)
    classes = len(columns) if columns is not None else width or spec.num_classes
    if spec.num_classes not in (0, classes):
        advice = "; num_classes=0 in its spec takes as many as it has" if isinstance(network, PlainFunction) else ""
        raise ModelError(f"{spec.name} must have {spec.num_classes:,} classes, has {classes:,}{advice}")
    if spec.class_names is not None and len(spec.class_names) != classes:
        raise ArgumentError(f"{spec.name} has {classes} classes, and {len(spec.class_names)} class names were given")
    if classes < 2:
        raise ModelError(
            f"{spec.name} must tell at least two classes apart, puts out {classes}; where that is the second of two "
            "classes, by a sigmoid, state activation=sigmoid"
        )
    spec = replace(spec, num_classes=classes)
    identity = replace(identity, outputs_sha256=outputs_sha256(columns, spec.class_names, classes))
    if isinstance(network, PlainFunction) and (form := whole_picture_of(dict(spec.options), spec.name)):
        whole = WholePictureModel(spec, network, form, identity, classes, columns, notes, built.outputs)
        return cast(Classifier, whole)  # the engine asks it for answers, and nothing else of a classifier
    return Classifier(network, spec, placement, identity=identity, columns=columns, notes=notes, outputs=built.outputs)


def _probed(network: nn.Module, spec: ModelSpec) -> tuple[NDArray[np.float32], ModelSpec]:
    """Outputs for a black image, and the spec with ``input_px`` set where the canvas cannot be fed as it is."""
    import torch

    side = spec.input_px or spec.view.crop_px
    with foreign_errors(spec.name, f"cannot be run on an image of {side} px", package_of(spec)):
        outputs = _outputs(network, spec, torch.zeros(1, 3, side, side))
    if spec.input_px is None and side != CANVAS_224.crop_px:
        try:
            _outputs(network, spec, torch.zeros(1, 3, CANVAS_224.crop_px, CANVAS_224.crop_px))
        except Exception:  # noqa: BLE001  # whatever it raises, it does not take this size
            return outputs, replace(spec, input_px=side)
    return outputs, spec


def _outputs(network: nn.Module, spec: ModelSpec, pixels: Tensor) -> NDArray[np.float32]:
    """Outputs of a network of torch, float32 ``(N, outputs)`` in main memory."""
    import torch

    device = next(network.parameters(), torch.empty(0)).device
    with contained(), torch.no_grad():
        normalised = Normalisation.from_view(spec.view)(pixels.to(device))
        rows: NDArray[np.float32] = logits_of(network(normalised), spec.name, len(pixels)).float().cpu().numpy()
        return rows
