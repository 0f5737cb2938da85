"""From a spec, or from any torch module, to a `Classifier`."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardiness.core import CANVAS_224, ArgumentError, ModelError, ModelSpec, View
from hardiness.models.catalogue import Built, OnnxFile
from hardiness.models.checkpoints import read_checkpoint
from hardiness.models.class_order import output_columns
from hardiness.models.classifier import Classifier
from hardiness.models.code_fingerprint import CodeIdentity, code_identity
from hardiness.models.execution.placement import ComputeSettings, place
from hardiness.models.failures import contained, told
from hardiness.models.fingerprint import Identity, outputs_sha256, state_sha256
from hardiness.models.initialise import randomise
from hardiness.models.naming import resolve
from hardiness.models.onnx_files import onnx_sha256
from hardiness.models.options import RANDOM
from hardiness.models.outputs import logits_of
from hardiness.models.preprocessing import Normalisation
from hardiness.models.recognised import recognised
from hardiness.models.state_dicts import assign, check_parameters, fit, refuse_not_finite
from hardiness.sources.downloads import Progress, fetch

if TYPE_CHECKING:
    from torch import nn

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
) -> Classifier:
    """The classifier that ``spec`` (or a name, as on the command line) describes, with its weights.

    Args:
        spec: a spec, or what `resolve` takes.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``fp32``; ``bf16`` or ``fp16`` (GPU only) trade exactness for speed in `Classifier.logits`.
        runtime: ``auto`` or the name of one.
        progress: told how a download goes: bytes so far, and in all where known.

    Raises:
        ArgumentError: the model is unknown, or device, precision or runtime are not there.
        DataError: the weights cannot be had.
        ModelError: the weights do not fit, or the model is no classifier.
    """
    known = resolve(spec) if isinstance(spec, str) else spec
    placement = place(device, precision, runtime, onnx=known.name.startswith("onnx:"))
    built = _named(_built(known), known)
    if isinstance(built.network, OnnxFile):
        return _classifier(built, known, placement, Identity(onnx_sha256(Path(built.network.path))))
    with told(known.name, "cannot take its weights"):
        notes = _add_weights(built, built.spec or known, progress)
        check_parameters(built.network, known)
        built = replace(built, network=_settled(built.network, known.name, placement), notes=(*built.notes, *notes))
    code = _code(built, known)
    identity = Identity(state_sha256(built.network.state_dict()), code_sha256=code.sha256)
    return _classifier(replace(built, notes=(*built.notes, *code.left_out)), known, placement, identity)


def _code(built: Built, spec: ModelSpec) -> CodeIdentity:
    """The identity of code that no library made; else an empty one."""
    tag = dict(spec.options).get("tag")
    own = built.code is not None or tag or not spec.build.startswith(_ZOO)
    return code_identity(built.network, built.code or "", tag) if own else CodeIdentity("")


def wrap(
    module: nn.Module,
    view: View,
    *,
    name: str,
    num_classes: int | None = None,
    class_names: tuple[str, ...] | None = None,
    **options: str,
) -> Classifier:
    """A classifier around a copy of any torch module that takes normalised images and returns logits.

    The copy is put in evaluation mode and shares nothing with the original, which may go on training.

    Args:
        module: takes ``(N, 3, H, W)`` normalised as ``view`` says; returns ``(N, K)``, or an output that has logits.
        view: the preprocessing it was trained with.
        name: under which its results are kept.
        num_classes: K, checked; found by one forward pass where not given.
        class_names: its classes in the order of its outputs, where they are not ImageNet's 1,000.
        options: ``device``, ``precision``, ``runtime`` as in `load`; ``tag``, a name for the module's code: by default
            results belong to the code itself, and to edit ``forward`` is to make another model.

    Raises:
        ArgumentError: ``class_names`` and classes differ in number, or as for `load`.
        ModelError: the module cannot be copied or returns no logits.
    """
    from torch import nn

    if not isinstance(module, nn.Module):
        raise ArgumentError(f"module must be a torch.nn.Module, was a {type(module).__name__}")
    if unknown := set(options) - {"device", "precision", "runtime", "tag"}:
        raise ArgumentError(f"wrap has no argument {min(unknown)!r}; it takes device, precision, runtime and tag")
    placement = place(
        options.get("device", "auto"), options.get("precision", "fp32"), options.get("runtime", "auto"), onnx=False
    )
    with told(name, "cannot be copied; pass a module whose tensors are parameters or buffers"):
        network = copy.deepcopy(module)
    notes = ("it was in training mode and is evaluated in evaluation mode",) if module.training else ()
    with told(name, "cannot be used"):
        network = _settled(network, name, placement)
    spec = ModelSpec(name, "", view, num_classes=0, class_names=class_names)
    code = code_identity(network, tag=options.get("tag"))
    built = Built(network, code="", notes=(*notes, *code.left_out))
    identity = Identity(state_sha256(network.state_dict()), code_sha256=code.sha256)
    found = _classifier(built, spec, placement, identity)
    if num_classes not in (None, found.num_classes):
        raise ModelError(f"{name} must have {num_classes} classes, puts out {found.num_classes}")
    return found


def _built(spec: ModelSpec) -> Built:
    import torch

    # Layers draw their initial values from torch's global generator; the caller's stream is left as it was.
    with told(spec.name, "cannot be built"), contained():
        torch.manual_seed(0)
        built = spec.builder()(spec)
    return built if isinstance(built, Built) else Built(built)


def _named(built: Built, spec: ModelSpec) -> Built:
    """The same, with the name under which others have published numbers of these weights, where that is known."""
    name, how = recognised(spec)
    if not name:
        return built
    note = f"it is {name} of RobustBench, {how}; the published accuracies stand beside those of autoattack"
    return replace(built, spec=replace(built.spec or spec, published=name), notes=(*built.notes, note))


def _add_weights(built: Built, spec: ModelSpec, progress: Progress | None) -> tuple[str, ...]:
    """Puts in the weights asked for, where the builder has not put in the published ones itself; gives notes."""
    if spec.weights == RANDOM:
        randomise(built.network)
        return ("its weights are random: speed and memory are right, and no answer is",)
    file = spec.weights
    if file is None and spec.source.url:
        file = str(fetch(_address(spec.source.url), sha256=spec.source.sha256, progress=progress))
    if file is None:
        return ()
    read = read_checkpoint(file)
    state = {built.rename(name): tensor for name, tensor in read.state.items()} if built.rename else read.state
    found = fit(list(built.network.state_dict()), state, spec.view, file)
    assign(built.network, found.state, file)
    return (*read.notes, *found.notes)


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


def _classifier(built: Built, known: ModelSpec, placement: ComputeSettings, identity: Identity) -> Classifier:
    network, spec, width = built.network, built.spec or known, None
    if not isinstance(network, OnnxFile):
        width, spec = _probed(network, spec)
    columns = output_columns(spec, width or spec.num_classes, built.columns)
    classes = len(columns) if columns is not None else width or spec.num_classes
    if spec.num_classes not in (0, classes):
        raise ModelError(f"{spec.name} must have {spec.num_classes:,} classes, has {classes:,}")
    if spec.class_names is not None and len(spec.class_names) != classes:
        raise ArgumentError(f"{spec.name} has {classes} classes, and {len(spec.class_names)} class names were given")
    if classes < 2:
        raise ModelError(f"{spec.name} must tell at least two classes apart, puts out {classes}")
    spec = replace(spec, num_classes=classes)
    identity = replace(identity, outputs_sha256=outputs_sha256(columns, spec.class_names, classes))
    return Classifier(network, spec, placement, identity=identity, columns=columns, notes=built.notes)


def _probed(network: nn.Module, spec: ModelSpec) -> tuple[int, ModelSpec]:
    """Number of outputs, and the spec with ``input_px`` set where the canvas cannot be fed as it is."""
    side = spec.input_px or spec.view.crop_px
    with told(spec.name, f"cannot be run on an image of {side} px"):
        width = _outputs(network, spec, side)
    if spec.input_px is None and side != CANVAS_224.crop_px:
        try:
            _outputs(network, spec, CANVAS_224.crop_px)
        except Exception:  # noqa: BLE001  # whatever it raises, it does not take this size
            return width, replace(spec, input_px=side)
    return width, spec


def _outputs(network: nn.Module, spec: ModelSpec, side: int) -> int:
    import torch

    device = next(network.parameters(), torch.empty(0)).device
    with contained(), torch.no_grad():
        given = Normalisation.of(spec.view)(torch.zeros(1, 3, side, side, device=device))
        return logits_of(network(given), spec.name, 1).shape[1]
