"""One model on one benchmark, from Python."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, fields, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from hardiness import attacks, benchmarks, models
from hardiness import data as datasets
from hardiness.api.command import policy_for, remarks_on
from hardiness.api.progress import TrackedListener, listener
from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.model import View
from hardiness.core.request import Placement, Request
from hardiness.core.result import Result
from hardiness.data.in_python import ModelClasses, from_python
from hardiness.data.root import absolute_arguments
from hardiness.distortions.apply import corruptions, perturbations
from hardiness.engine.deadline import Deadline
from hardiness.engine.evaluation import EvaluationOutcome, evaluate_until_decided, evaluate_within, prepared
from hardiness.engine.evaluation import evaluate as run_benchmark
from hardiness.engine.forecast import require_bounded_calls
from hardiness.models.classifier import Classifier
from hardiness.models.frameworks import require_torch
from hardiness.report.loggers.tracking import TrackingSession
from hardiness.report.stored_results import StoredResults
from hardiness.results.results import rebuild_results, results_of, with_severities
from hardiness.store.store import Store


def load_model(name: str, placement: Placement | None = None) -> Classifier:
    """The classifier of that name, e.g. ``"resnext101_32x8d_wsl"`` or ``"timm:resnet50.a1_in1k"``.

    Raises:
        UnknownNameError: nothing has that name.
        ModelError: its weights cannot be had or do not fit.
        ArgumentError: torch is not installed.
    """
    require_torch()
    return models.load(models.resolve(name), **asdict(placement or Placement()))


Model = str | Classifier | Callable[[Any], Any]
"""A name, a loaded classifier, a module of torch, or a plain function."""


def classifier_of(model: Model, view: View | None, placement: Placement, **own: str | None) -> Classifier:
    """The classifier that ``model`` names, is, or becomes with its ``view``.

    Args:
        model: which.
        view: of a module or function.
        placement: where it runs.
        own: ``tag``, ``output`` and ``activation`` of a module or function, as of `evaluate`.

    Raises:
        ArgumentError: a module has no view, something else has one, or a loaded classifier has a placement.
    """
    stated: dict[str, Any] = {key: value for key, value in own.items() if value is not None}
    if isinstance(model, str | Classifier) and stated:
        key = min(stated)
        raise ArgumentError(f"{key} goes with a module or a function; write it behind a name (NAME:{key}=…)")
    if isinstance(model, str | Classifier) and view is not None:
        raise ArgumentError("view goes with an nn.Module; a named model has its own (override it in its name)")
    if isinstance(model, str):
        return load_model(model, placement)
    if isinstance(model, Classifier):
        if placement != Placement():
            raise ArgumentError("device, precision and runtime go with a name or a module; a classifier has its own")
        return model
    return models.wrap(model, view, name=_model_name(model), **asdict(placement), **stated)


def list_models(pattern: str = "*") -> list[str]:
    """Names of models that match a shell-style pattern, e.g. ``list_models("resnext*")``, sorted.

    Forms such as ``"timm:NAME"``, which stand for every model of another library, follow the names.
    """
    return [name for name in models.known_names() if fnmatch(name, pattern)]


def list_benchmarks(pattern: str = "*") -> list[str]:
    """Names of benchmarks that match a shell-style pattern, sorted."""
    return benchmarks.registry.names(pattern)


def list_attacks(pattern: str = "*") -> list[str]:
    """Names of attacks that match a shell-style pattern, sorted."""
    return attacks.registry.names(pattern)


def list_corruptions(pattern: str = "*") -> list[str]:
    """Names of corruptions that match a shell-style pattern, sorted."""
    return corruptions.names(pattern)


def list_perturbations(pattern: str = "*") -> list[str]:
    """Names of perturbations that match a shell-style pattern, sorted."""
    return perturbations.names(pattern)


def load_results(out: str | Path, *, baseline: str | None = None, below: float | None = None) -> StoredResults:
    """The results of everything that is stored in a folder; ``.table()`` gives all their scores as rows.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        below: of one's own classes, the share of the clean accuracy below which it falls at some severity; half by
            default.

    Raises:
        ArgumentError: the baseline model has no stored run to divide by, or the share is not in (0, 1).
        DataError: the folder holds no records.
    """
    store = Store.open(out)
    found = results_of(store, baseline)
    return StoredResults(found if below is None else with_severities(found, store, below))


DIGITS = 6
"""How much of the hash of its weights an unnamed module's name carries, so that two of one class are told apart."""


class Options(TypedDict, total=False):
    """Keyword arguments of `evaluate` that say how much is evaluated, and how.

    Attributes:
        limit: the first so many samples of a seeded, class-stratified order; all by default.
        seed: keys that order and every draw; 0 by default.
        batch_size: images per forward pass; chosen by default.
        precision_target: evaluation ends when half of the headline's 95 % interval is at most this, in its own unit;
            by default everything is evaluated.
        until_decided: a policy's file, or its TOML text: evaluation ends when every rule on it is decided, and
            `hardiness.gate` on ``out`` gives the verdicts; not with ``precision_target`` or ``time_budget_s``.
        time_budget_s: seconds within which it ends; by default as long as it takes.
        save_images: whether the pictures that attacks made are kept below ``out``; not by default.
        calls: requests to a chat model at most, retries included; by default any number up to 1,000 questions, and
            more are refused.
        workers: decoding threads; one a core by default.
        device, precision, runtime: as in `Placement`.
        progress: whether bars are drawn; by default where a person looks on (a terminal or a notebook).
        log: trackers of experiments that hear how it goes, as ``--log``: one or several of ``"mlflow"``,
            ``"tensorboard"`` and ``"wandb"``; they need ``out``, where they put their files. None by default.
    """

    limit: int | None
    seed: int
    batch_size: int | None
    precision_target: float | None
    until_decided: str | Path | None
    time_budget_s: float | None
    calls: int | None
    save_images: bool
    workers: int
    device: str
    precision: str
    runtime: str
    progress: bool | None
    log: str | Sequence[str]


Data = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Any
"""As ``--data`` names it, or what Python holds: arrays, an ImageFolder, a loader, a data set of torch or of MAITE."""


@overload
def evaluate(  # type: ignore[overload-overlap]  # a name is a sequence of texts too
    model: Model,
    benchmark: str,
    data: Data,
    *,
    name: str | None = None,
    view: View | None = None,
    tag: str | None = None,
    output: str | None = None,
    activation: str | None = None,
    out: str | Path | None = None,
    **options: Unpack[Options],
) -> Result: ...


@overload
def evaluate(
    model: Model,
    benchmark: Sequence[str],
    data: Data,
    *,
    name: str | None = None,
    view: View | None = None,
    tag: str | None = None,
    output: str | None = None,
    activation: str | None = None,
    out: str | Path | None = None,
    **options: Unpack[Options],
) -> StoredResults: ...


def evaluate(
    model: Model,
    benchmark: str | Sequence[str],
    data: Data,
    *,
    name: str | None = None,
    view: View | None = None,
    tag: str | None = None,
    output: str | None = None,
    activation: str | None = None,
    out: str | Path | None = None,
    **options: Unpack[Options],
) -> Result | StoredResults:
    """The result of one model on one benchmark, or the results on several.

    Args:
        model: a name, a loaded classifier, any ``nn.Module`` that maps normalised pixels to logits (with ``view``), or
            a plain function or object that can be called, from ``uint8 (N, H, W, 3)`` to ``(N, K)`` logits or
            probabilities: a service, a network of another framework, a model of MAITE.
        benchmark: ``"NAME"`` or ``"NAME:option=value"``; several in a list.
        data: as ``--data`` on the command line; one or several. Or pictures that Python holds, for your own classes
            (``"own"``, ``"own-c"``) and for ImageNet's: ``(images, labels)`` or ``(images, labels, names)`` with
            images ``uint8 (N, H, W, 3)``, float tensors ``(N, 3, H, W)`` from 0 to 1, or a list of pictures; an
            ``ImageFolder``; a ``DataLoader``, whose data set is read; any data set of torch or MAITE. They are handed
            over before they are normalised or augmented: the network's view is what it is shown.
        name: what the model is called in results; by default its own name, for a module that of its class with six
            digits of the hash of its weights.
        view: the preprocessing of a module, or the geometry of a function, which normalises pictures itself; required
            for both, refused for a name.
        tag: a name for the code of a module or function, in place of a hash over it: the version of a service.
        output: ``"logits"`` or ``"probabilities"``, of a function; by default seen on a picture.
        activation: ``"sigmoid"`` where each class of a module or function has a probability of its own, or one output
            is that of the second of two classes; softmax by default.
        out: folder, or address of one in an object store, that keeps the records, so that the same call continues; by
            default nothing is kept.
        options: ``limit``, ``device``, ``precision`` and the others of `Options`.

    Raises:
        ArgumentError, DataError, ModelError, StoreError: as the message says.
    """
    require_torch()
    _check(options)
    asked = [benchmark] if isinstance(benchmark, str) else list(dict.fromkeys(benchmark))
    if not asked:
        raise ArgumentError(f"benchmark must be a name or a list of names, was {benchmark!r}")
    tracking = _tracking(options, out, {"models": name or _model_name(model), "benchmarks": " ".join(asked)})
    chosen = [parse(text) for text in asked]
    placement, stated = options_of(Placement, options), {"tag": tag, "output": output, "activation": activation}
    given, classifier = _arguments(data), None
    if given is None:  # what names its classes is the model
        classifier = classifier_of(model, view, placement, **stated)
        root = from_python(data, _classes_of(classifier))
    else:
        root = datasets.locate(given)
    ends = options.get("until_decided")
    request: Request = replace(
        options_of(Request, {**options, "until_decided": None if ends is None else str(ends)}),
        data_arguments=absolute_arguments(given or ()),
    )
    parts = _parts(chosen, root)
    budget = Deadline.from_now(request.time_budget_s) if request.time_budget_s else None
    progress = listener(options.get("progress"))
    if tracking.names:
        progress = TrackedListener(progress, tracking)
    classifier = classifier or classifier_of(model, view, placement, **stated)
    classifier = _named(classifier, model, name)
    policy = policy_for(request, [(part, found) for _, part, found in parts], [classifier.spec], out)
    models.limit_calls([classifier], request.calls)
    with closing(tracking), ExitStack() as stack:
        folder = out if out is not None else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = Store.create(folder)
        require_bounded_calls([(part, found, request) for _, part, found in parts], [classifier], store)
        if budget:
            begun = [prepared(part, [classifier], found, store, request, progress) for _, part, found in parts]
            evaluated = evaluate_within(budget, begun)
        elif policy is not None:
            begun = [prepared(part, [classifier], found, store, request, progress) for _, part, found in parts]
            evaluated = list(evaluate_until_decided(policy, begun, store))
        else:
            evaluated = [run_benchmark(part, [classifier], found, store, request, progress) for _, part, found in parts]
        keys = {key for each in evaluated for key in each.keys}
        stored = [each for each in rebuild_results(store) if each.is_of(keys)]
        tracking.scores(stored)
    results = []
    for each in chosen:
        own = [found for (of_one, _, _), found in zip(parts, evaluated, strict=True) if of_one is each]
        results.append(_result(each, own, stored, [*remarks_on(classifier), *tracking.problems]))
    return results[0] if isinstance(benchmark, str) else StoredResults(results)


def _arguments(data: Data) -> list[str] | None:
    """The data as ``--data`` names them; ``None`` where Python holds them."""
    if isinstance(data, str | os.PathLike):
        return [os.fspath(data)]
    if isinstance(data, Sequence) and all(isinstance(each, str | os.PathLike) for each in data):
        return [os.fspath(each) for each in data]
    return None


def _classes_of(classifier: Classifier) -> ModelClasses:
    spec = classifier.spec
    return ModelClasses(classifier.num_classes, spec.class_names, spec.view.canvas)


def _parts(chosen: Sequence[Benchmark], root: DataRoot) -> list[tuple[Benchmark, Benchmark, DataSet]]:
    """Each benchmark with what its result is made of, and the data set of that."""
    return [(each, part, part.dataset(root)) for each in chosen for part in each.parts(root)]


def _result(
    benchmark: Benchmark, evaluated: Sequence[EvaluationOutcome], stored: Sequence[Result], told: Sequence[str]
) -> Result:
    """The result of one benchmark, with what a person should know of it.

    Raises:
        ModelError: it could not be evaluated.
    """
    keys = {key for each in evaluated for key in each.keys}
    problems = [line for each in evaluated for line in each.problems]
    found = [each for each in stored if each.benchmark == benchmark.name and each.is_of(keys)]
    if not found:
        raise ModelError(problems[0])
    remarks = [line for each in evaluated for line in (*each.unreached, *each.remarks)]
    lines = tuple(dict.fromkeys((*problems, *remarks, *told)))
    return replace(found[0], warnings=(*found[0].warnings, *lines))


def _tracking(options: Options, out: str | Path | None, about: Mapping[str, str]) -> TrackingSession:
    """The trackers that were asked for, each found to be usable.

    Raises:
        UnknownNameError: there is no such tracker.
        ArgumentError: its package is not installed, or nothing is kept on a disk.
    """
    given = options.get("log", ())
    names = (given,) if isinstance(given, str) else tuple(given)
    if names and out is None:
        raise ArgumentError(f"log={names[0]!r} needs out=, the folder where the tracker puts its files; name one")
    tracking = TrackingSession(names, str(out), about)
    tracking.check()
    return tracking


def _model_name(model: Model) -> str:
    """What a model is called before it is loaded."""
    if isinstance(model, str):
        return model
    if isinstance(model, Classifier):
        return model.spec.name
    return str(getattr(model, "__name__", type(model).__name__))


def _check(options: Options) -> None:
    for given in options:
        if given not in Options.__annotations__:
            raise UnknownNameError("keyword argument of evaluate", given, Options.__annotations__)


def options_of(kind: type[Any], options: Options) -> Any:
    """An options type made of those of its fields that were given."""
    wanted = {field.name for field in fields(kind)}
    return kind(**{given: value for given, value in options.items() if given in wanted})


def _named(classifier: Classifier, model: Model, name: str | None) -> Classifier:
    """The classifier under the name that its results get."""
    if name is None and isinstance(model, str | Classifier):
        return classifier
    named = copy.copy(classifier)  # one that was handed over keeps its own name
    own = name or f"{classifier.spec.name}-{classifier.weights_sha256[:DIGITS]}"
    named.spec = replace(classifier.spec, name=own, asked="")
    return named
