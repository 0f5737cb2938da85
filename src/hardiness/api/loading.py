"""Names of models to loaded models: what cannot be had becomes a line, so that the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from hardiness import models
from hardiness.core.benchmark import Benchmark
from hardiness.core.codes import ModelNote, RunRemark
from hardiness.core.errors import ArgumentError, DataError, HardinessError, ModelError, UnknownNameError
from hardiness.core.fact import Fact, error_of
from hardiness.core.model import ModelSpec
from hardiness.core.progress import Listener
from hardiness.core.request import Placement
from hardiness.engine.tasks import states_size
from hardiness.models.classifier import Classifier
from hardiness.models.options import with_option
from hardiness.store.store import Store


@dataclass(frozen=True)
class ModelSelection:
    """The models that names stand for.

    Attributes:
        names: those that stand for a model, as they were typed.
        specs: of these.
        problems: why each of the others stands for none.
        absent: whose weights cannot be had, where that was known without their library.
    """

    names: tuple[str, ...]
    specs: tuple[ModelSpec, ...]
    problems: tuple[Fact, ...]
    absent: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class LoadOutcome:
    """The models that could be loaded, and why each of the others could not.

    Attributes:
        classifiers: those that could.
        absent: whose weights cannot be had.
        problems: everything else.
    """

    classifiers: list[Classifier] = field(default_factory=list)
    absent: list[Fact] = field(default_factory=list)
    problems: list[Fact] = field(default_factory=list)


def resolve_models(names: Sequence[str], weights: str | None = None) -> ModelSelection:
    """The models of these names; one whose file or options are wrong becomes a line.

    Args:
        names: as typed.
        weights: checkpoint for the one model.

    Raises:
        UnknownNameError: a name is misspelt: that is put right before hours of work.
        ArgumentError, ModelError, DataError: no model is left, or ``weights`` stands beside several.
    """
    specs, problems, absent, first = {}, [], [], None
    for name in names:
        if weights is None and (reason := _weights_absent(name)):
            absent.append(reason)
            continue
        try:
            specs[name] = models.resolve(name)
        except UnknownNameError:
            raise
        except HardinessError as error:
            first = first or error
            problems.append(_about(name, error))
    if first and not specs:
        raise first
    if weights is not None:
        if len(names) != 1:
            raise ArgumentError(
                f"--weights goes with one model, had {len(names)}; write -m MODEL:weights=FILE for each"
            )
        specs = {
            name: replace(spec, weights=weights, asked=with_option(spec.asked, "weights", weights))
            for name, spec in specs.items()
        }
    return ModelSelection(tuple(specs), tuple(specs.values()), tuple(problems), tuple(absent))


def _weights_absent(name: str) -> Fact | None:
    """Why a model's published weights cannot be had; ``None`` where they may be."""
    try:
        models.need_weights(name)
    except DataError as error:
        return _about(name, error)
    except HardinessError:
        return None  # `resolve` says what is wrong with the name
    return None


def load_models(
    specs: Sequence[ModelSpec], placement: Placement, listener: Listener, store: Store | None = None
) -> LoadOutcome:
    """The classifiers of these specs, each with its weights; what zero-shot models embed is kept in the store.

    Raises:
        ArgumentError: what the only one is told to do cannot be done; of several it becomes a line.
    """
    loaded = LoadOutcome()
    for spec in specs:
        try:
            progress = partial(listener.download, spec.name)
            files = store.files if store else None
            loaded.classifiers.append(models.load(spec, **asdict(placement), progress=progress, files=files))
        except DataError as error:
            loaded.absent.append(_about(spec.name, error))
        except ArgumentError as error:
            if len(specs) == 1:
                raise
            loaded.problems.append(_about(spec.name, error))
        except ModelError as error:
            loaded.problems.append(_about(spec.name, error))
    return loaded


def _about(name: str, error: HardinessError) -> Fact:
    """The error as what is to be said of a model."""
    return error_of(error, name)


def refuse_unknown_surrogate(benchmark: Benchmark) -> None:
    """Raise where the models that are to be attacked in place of others are not there, before anything is evaluated.

    Raises:
        ArgumentError, ModelError, DataError: as `hardiness.models.resolve`.
    """
    plan = benchmark.attack
    for name in plan.surrogate.split("+") if plan and plan.surrogate else ():
        models.resolve(name)


def surrogate_absent(benchmark: Benchmark, classifiers: Sequence[Classifier], listener: Listener) -> Fact | None:
    """Why a benchmark's surrogate cannot be had; ``None`` where it can, or where none is needed."""
    plan = benchmark.attack
    if plan is None or plan.surrogate is None:
        return None
    spec = models.resolve(plan.surrogate)
    if any(classifier.spec.name == spec.name for classifier in classifiers):
        return None
    try:
        models.load(spec, device="cpu", progress=partial(listener.download, spec.name))
    except DataError as error:
        return Fact(RunRemark.NO_SURROGATE, {"why": error_of(error), "is_there": False}, benchmark.name)
    except ModelError:
        return None  # the evaluation says what is wrong with it
    return None


def remarks_on(classifier: Classifier, only_small: bool = False) -> list[Fact]:
    """What loading and the first forward pass have shown; nothing of the latter where nothing was computed.

    Args:
        classifier: after its evaluations.
        only_small: whether all of these were on small pictures, which are resized only where the model states a size.
    """
    agreement, runtime, name = classifier.runtimes.agreement, classifier.runtimes.name, classifier.spec.name
    assumed = {ModelNote.ASSUMED_VIEW} if only_small and not states_size(classifier.spec) else ()
    remarks = [replace(note, about=name) for note in classifier.notes if note.code not in assumed]
    if agreement and agreement.fallback:
        remarks.append(Fact(ModelNote.OTHER_RUNTIME, {"runtime": runtime, "line": agreement.fallback}, name))
    if agreement and classifier.precision != "fp32":
        measured = {"images": agreement.n, "top1": agreement.top1, "largest": agreement.max_error}
        remarks.append(Fact(ModelNote.PRECISION, {"precision": classifier.precision, **measured}, name))
    return remarks
