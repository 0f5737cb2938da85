"""Names of models: the specs that they stand for, and the names that are near an unknown one."""

from __future__ import annotations

import difflib
import fnmatch
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.model import ModelSpec
from hardiness.models.catalogue import known_names, registry, schemes
from hardiness.models.failures import foreign_errors
from hardiness.models.options import apply, row_and_model, split
from hardiness.models.stated_views import PREPROCESSING
from hardiness.models.view_files import read_view

LOGGER = logging.getLogger(__name__)

_WILD = "*?["

_FILES_OF_FUNCTIONS = {
    ".tflite": "TensorFlow Lite",
    ".keras": "Keras",
    ".h5": "Keras",
    ".joblib": "scikit-learn",
    ".pkl": "scikit-learn",
    ".pickle": "scikit-learn",
    ".mlmodel": "Core ML",
    ".engine": "TensorRT",
    ".xml": "OpenVINO",
}
"""Frameworks whose networks are run by a function of a person's own, by the suffix of their files."""


def resolve(text: str) -> ModelSpec:
    """The spec that ``NAME[:key=value,…]`` stands for.

    Before it may stand ``ROW=``, under which its results are kept. ``NAME`` is a registered name or ``SCHEME:…``,
    e.g. ``"resnext101_32x8d:weights=mine.pth"``,
    ``"timm:vit_tiny_patch16_224:crop_px=224,mean=0.5/0.5/0.5"``.

    Raises:
        UnknownNameError: there is no such model or option; the message offers close matches.
        ArgumentError: an option's value is wrong, or the package that has the name is faulty.
        ModelError: the model exists but cannot be described, e.g. its configuration cannot be read.
    """
    row, model = row_and_model(text)
    if row:
        return replace(resolve(model), asked=text)
    name, options = split(text)
    prefix, colon, rest = name.partition(":")
    if colon and rest:
        schemes.refuse_faulty(prefix)
    if colon and rest and prefix in schemes:
        scheme = schemes.get(prefix)
        # A view given by hand is shown to the scheme too: it may be what the model's own files leave open.
        with foreign_errors(name, "cannot be described", schemes.package_of(prefix)):
            spec = scheme.spec(rest, options)
            if not isinstance(spec, ModelSpec):
                raise TypeError(f"its scheme must give a ModelSpec, gave {type(spec).__name__}")
        own = {key: value for key, value in options.items() if key not in scheme.options}
        return replace(_with_options(spec, own, scheme.options), asked=text)
    registry.refuse_faulty(name)
    if name not in registry:
        raise _unknown(name)
    return replace(_with_options(registry.get(name), options), asked=text)


def _with_options(spec: ModelSpec, options: Mapping[str, str], others: Iterable[str] = ()) -> ModelSpec:
    """The spec with the options that every model has; single fields of a view go before those of a file."""
    if PREPROCESSING in options:
        spec = replace(spec, view=read_view(options[PREPROCESSING]).view)
    return apply(spec, options, others)


def need_weights(text: str) -> None:
    """Raise an error where the published weights that ``NAME[:key=value,…]`` asks for surely cannot be had.

    It says nothing where it is not sure.

    Raises:
        DataError: they are in no cache, and cannot be downloaded.
        ArgumentError: the options cannot be read.
        ModelError: the scheme of a package fails.
    """
    name, options = split(row_and_model(text)[1])
    prefix, colon, rest = name.partition(":")
    if colon and rest and prefix in schemes and "weights" not in options:
        asks = schemes.get(prefix).need_weights
        if asks:
            with foreign_errors(name, "does not say whether its weights are there", schemes.package_of(prefix)):
                asks(rest, name)


def search(pattern: str) -> list[str]:
    """Sorted names that match a shell-style pattern: ``"resnext*"`` among the registered, ``"timm:resnet*"`` in timm.

    Raises:
        ArgumentError: the models of that prefix cannot be listed.
        ModelError: its library is not installed, or the scheme of a package fails.
        UnknownNameError: nothing matches.
    """
    prefix, colon, rest = pattern.partition(":")
    if not colon:
        names = registry.names(pattern)
        if not names:
            raise _unmatched(pattern)
        return names
    if schemes.get(prefix).names is None:
        raise ArgumentError(f"models of the form {schemes.get(prefix).form} cannot be listed; name one")
    names = _names_of_scheme(prefix)
    matching = sorted(set(fnmatch.filter(names, rest)))
    if not matching:
        raise UnknownNameError(f"{prefix} model", rest, names)
    return [f"{prefix}:{name}" for name in matching]


def _unmatched(pattern: str) -> UnknownNameError:
    """The error for a pattern that no registered name matches; it says what to type where a library's names do."""
    counts = {prefix: len(set(fnmatch.filter(names, pattern))) for prefix, names in _names_of_libraries()}
    typed = [
        f"'{prefix}:{pattern}' ({count:,} model{'' if count == 1 else 's'})"
        for prefix, count in counts.items()
        if count
    ]
    return UnknownNameError("model", pattern, known_names(), meant=" or ".join(typed))


def is_pattern(text: str) -> bool:
    """Whether a name holds a wildcard."""
    return any(sign in text for sign in _WILD)


def _unknown(name: str) -> UnknownNameError:
    """The error for a name that is in no registry, with the libraries' models of that name first."""
    if hint := _of_file(name):
        error = UnknownNameError("model", name, known_names())
        error.args = (f"unknown model {name!r}: {hint}",)
        return error
    elsewhere = [*_as_file(name), *_elsewhere(name)]
    if not elsewhere:
        return UnknownNameError("model", name, known_names())
    error = UnknownNameError("model", name, elsewhere)
    error.args = (f"unknown model {name!r}; did you mean {' or '.join(map(repr, elsewhere[:4]))}?",)
    return error


def _of_file(name: str) -> str:
    """Advice on the file of a framework, which does not say by itself how it is run; empty for any other name."""
    suffix = Path(name).suffix.lower()
    weights = f"NAME:weights={name}, where NAME is the network that they are of, as in timm:resnet50:weights={name}"
    if suffix in (".safetensors", ".bin", ".ckpt"):
        return f"weights are given as {weights}"
    program = "py:net.py:net, where net.py has 'import torch' and 'def net(): return "
    if suffix == ".pt2":
        return f"a program of torch.export is given as {program}torch.export.load({name!r})'"
    if suffix in (".pt", ".pth", ".ts"):
        return f"weights are given as {weights}; TorchScript as {program}torch.jit.load({name!r})'"
    if suffix in _FILES_OF_FUNCTIONS:
        return (
            f"a network of {_FILES_OF_FUNCTIONS[suffix]} is given as a function, py:net.py:predict, where net.py loads "
            f"{name!r} and has 'def predict(images)' from uint8 (N, H, W, 3) to (N, K) logits or probabilities; state "
            "how pictures come to its size behind it, as in py:net.py:predict:resize_px=256,crop_px=224"
        )
    return ""


def _as_file(name: str) -> list[str]:
    """The name behind the prefix for files of its kind; none for any other name."""
    if name.lower().endswith(".onnx"):
        return [f"onnx:{name}"]
    file, colon, _ = name.rpartition(":")
    if file.endswith(".py") and colon:
        return [f"py:{name}"]
    return [f"py:{name}:FUNCTION"] if name.endswith(".py") else []


def _elsewhere(name: str) -> Iterator[str]:
    """The name behind a library's prefix, exactly or nearly."""
    if difflib.get_close_matches(name, registry.names(), n=1, cutoff=0.75):
        return
    for prefix, names in _names_of_libraries():
        if name in names:
            yield f"{prefix}:{name}"
        else:
            yield from (f"{prefix}:{match}" for match in difflib.get_close_matches(name, names, n=1, cutoff=0.85))


def _names_of_libraries() -> Iterator[tuple[str, list[str]]]:
    """Each prefix whose models can be listed, with their names.

    A library that is not installed has none; a package that fails has none either, and a line.
    """
    for prefix in schemes:
        try:
            names = _names_of_scheme(prefix)
        except ModelError as error:
            if schemes.package_of(prefix):
                LOGGER.warning(error)
            continue
        yield prefix, names


def _names_of_scheme(prefix: str) -> list[str]:
    """All names that may follow a prefix; none where they cannot be listed.

    Raises:
        ModelError: its library is not installed, or the scheme of a package fails.
    """
    list_names = schemes.get(prefix).names
    with foreign_errors(f"{prefix}:", "cannot be listed", schemes.package_of(prefix)):
        return list(list_names()) if list_names else []
