"""Models on benchmarks, from Python: names, modules and functions, on data sets and on what Python holds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast, overload

from hardiness.api.call import Call
from hardiness.api.execution import EarlyEnd, Outcome, Where
from hardiness.api.execution import evaluate as evaluate_all
from hardiness.api.grouping import GroupingArguments, Mix
from hardiness.api.held_models import Model, Models, model_name
from hardiness.api.progress import listener
from hardiness.benchmarks.options import parse
from hardiness.benchmarks.score_file import PREFIX as SCORES_PREFIX
from hardiness.core.codes import RunRemark
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.fact import Fact, lines_of
from hardiness.core.model import View
from hardiness.core.process import works_in_a_fork
from hardiness.core.request import Placement, Request, Share
from hardiness.core.result import Result
from hardiness.data.answer_tables import Answers
from hardiness.data.columns import GivenColumns
from hardiness.engine.ray_cluster import Cluster
from hardiness.report.stored_results import StoredResults, TabledResult


class Options(TypedDict, total=False):
    """Keyword arguments of `evaluate` that say how much is evaluated, and how.

    Attributes:
        limit: the first so many samples of a seeded, class-stratified order; all by default.
        conditions: how many of a benchmark's conditions each image is evaluated in, drawn for each; all by default.
        seed: keys that order and every draw; 0 by default.
        batch_size: images per forward pass; chosen by default.
        precision_target: evaluation ends when half of the headline's 95 % interval is at most this, in its own unit;
            by default everything is evaluated.
        until_decided: a policy's file, or its TOML text: evaluation ends when every rule on it is decided, and
            `hardiness.gate` on ``out`` gives the verdicts; not with ``precision_target`` or ``time_budget_s``.
        policy: a policy's file, or its TOML text, whose digest is kept with the rows in ``out``: the one proof that
            these goals stood before them. The policy of ``until_decided`` is kept so anyway.
        time_budget_s: seconds within which it ends; by default as long as it takes.
        save_images: whether the pictures that attacks made are kept below ``out``; not by default.
        calls: requests to a chat model at most, retries included; by default any number up to 1,000 questions, and
            more are refused.
        workers: decoding threads; one a core by default.
        device, precision, runtime: as in `Placement`.
        progress: bars on a terminal and in a notebook, and a line a minute on standard error elsewhere, by default;
            ``True`` writes more lines where there are no bars, ``False`` nothing.
        log: trackers of experiments that hear how it goes, as ``--log``: one or several of ``"mlflow"``,
            ``"tensorboard"`` and ``"wandb"``; they need ``out``, where they put their files. None by default.
    """

    limit: int | None
    conditions: int | None
    seed: int
    batch_size: int | None
    precision_target: float | None
    until_decided: str | Path | None
    policy: str | Path | None
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
    data: Data | None = None,
    *,
    name: str | None = None,
    view: View | None = None,
    tag: str | None = None,
    output: str | None = None,
    activation: str | None = None,
    takes: str | None = None,
    jpeg: int | None = None,
    predictions: Answers | None = None,
    out: str | Path | None = None,
    where: str | Share | Cluster | None = None,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
    **options: Unpack[Options],
) -> TabledResult: ...


@overload
def evaluate(
    model: Model | Models,
    benchmark: str | Sequence[str],
    data: Data | None = None,
    *,
    name: str | None = None,
    view: View | None = None,
    tag: str | None = None,
    output: str | None = None,
    activation: str | None = None,
    takes: str | None = None,
    jpeg: int | None = None,
    predictions: Answers | None = None,
    out: str | Path | None = None,
    where: str | Share | Cluster | None = None,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
    **options: Unpack[Options],
) -> StoredResults: ...


@works_in_a_fork
def evaluate(
    model: Model | Models,
    benchmark: str | Sequence[str],
    data: Data | None = None,
    *,
    name: str | None = None,
    view: View | None = None,
    tag: str | None = None,
    output: str | None = None,
    activation: str | None = None,
    takes: str | None = None,
    jpeg: int | None = None,
    predictions: Answers | None = None,
    out: str | Path | None = None,
    where: str | Share | Cluster | None = None,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
    **options: Unpack[Options],
) -> TabledResult | StoredResults:
    """The result of one model on one benchmark, or the results of several.

    Args:
        model: a name, a loaded classifier, any ``nn.Module`` that maps normalised pixels to logits (with ``view``), or
            a plain function or object that can be called, from ``uint8 (N, H, W, 3)`` to ``(N, K)`` logits or
            probabilities: a service, a network of another framework, a model of MAITE. Several in a list, or as
            ``{"name": model}``: each picture is then read and distorted once for all of them.
        benchmark: ``"NAME"`` or ``"NAME:option=value"``; several in a list.
        data: as ``--data`` on the command line; one or several; ``$HARDINESS_DATA`` if not given. Or pictures that
            Python holds, for every benchmark of photographs: ``(images, labels)`` or ``(images, labels, names)`` with
            images ``uint8 (N, H, W, 3)``, float tensors ``(N, 3, H, W)`` from 0 to 1, or a list of pictures; an
            ``ImageFolder``; a ``DataLoader``, whose data set is read; any data set of torch or MAITE; or a list of one
            of these and of names, as in ``[pictures, "outside=FOLDER"]``. They are handed over before they are
            normalised or augmented: the network's view is what it is shown.
        name: what the one model is called in results; by default its own name, for a module that of its class with six
            digits of the hash of its weights.
        view: the preprocessing of a module, or the geometry of a function, which normalises pictures itself; required
            for both, refused for a name. Of several models it goes with each module and function.
        tag: a name for the code of a module or function, in place of its source and of a look at it.
        output: ``"logits"`` or ``"probabilities"``, of a function; by default seen on a picture.
        activation: ``"sigmoid"`` where each class of a module or function has a probability of its own, or one output
            is that of the second of two classes; softmax by default.
        takes: of a function that resizes pictures itself, which needs no view: ``"encoded"``, and it is called with a
            list of files as bytes; or ``"full"``, with a list of pictures ``uint8 (H, W, 3)`` at their own size, which
            corruptions keep. A call has at most 64 megapixels. It is evaluated on ``own``, ``imagenet-val`` and
            ``own-c``.
        jpeg: with ``takes="encoded"`` the quality of the JPEG, 1 to 100, as which it gets corrupted pictures; PNG by
            default.
        predictions: the answers of the one model, which was run elsewhere and of which only the name is given: a csv or
            Parquet file, or its columns by name, N rows each: ``"sample"``, ``"condition"`` (may lack where all
            pictures are clean), and ``"logits"`` or ``"probabilities"`` ``(N, K)``, or ``"class_index"``,
            ``"class_name"`` or ``"class"``; or ``"path"``, ``"prediction"`` and its confidence ``"score"``; or a path
            and a column for each class; or the folder of model-vs-human's csv files. Or, of the benchmark
            ``"file:NAME"``, a score of each picture of whatever task: ``"sample"``, ``"score"``, ``"corruption"`` and
            ``"severity"`` and further columns. Nothing is loaded.
        out: folder, or address of one in an object store, that keeps the records, so that the same call continues; by
            default nothing is kept.
        where: which processes evaluate. ``"i/n"`` or a `Share`: part i (from 0) of n, then what others left, where n
            processes make this call with one ``out``. ``"ray"`` or a `Cluster`: tasks on Ray, for models and data that
            have names. By default this process alone.
        columns: what is known of the pictures beyond their labels, such as patient and site: a csv or Parquet file with
            a line for each, whose other names are mapped as in ``"metadata.csv:path=img_filename,where=split:2"``;
            ``{picture: {column: value}}``; ``{column: values}`` or a data frame with the pictures' paths in a column
            ``path``, or in the order of the pictures that Python holds; or several. They are kept with the rows. What
            the data themselves have beyond path and label is read in any case.
        cluster: the column that says which pictures belong together (patient, scene, burst); intervals and comparisons
            then count these clusters. Values stand in no result.
        slices: columns by whose values scores are given too: ``"site"``, ``"age:0-30,30-60,60-"``,
            ``"site+age:0-30,30-"``.
        mix: by slice the share of each value where the model will work, as a mapping or a csv of ``value,share``.
        options: ``limit``, ``device``, ``precision`` and the others of `Options`.

    Returns:
        Of one model on one benchmark its result; else the results, benchmark by benchmark, in which what could not be
        evaluated stands as ``problems``.

    Raises:
        ArgumentError: an argument is wrong, or two do not go together; nothing was evaluated.
        DataError, ModelError, StoreError: as the message says.
    """
    _refuse_unknown(options)
    if view is not None and not isinstance(view, View):
        raise ArgumentError(
            "view must be a View, which says what a transform does, as in View(resize_px=256, crop_px=224, "
            f"mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)); was {type(view).__name__}"
        )
    models_of_call = _models_by_name(model, name)
    benchmarks = [benchmark] if isinstance(benchmark, str) else list(dict.fromkeys(benchmark))
    if not benchmarks:
        raise ArgumentError(f"benchmark must be a name or a list of names, was {benchmark!r}")
    log = options.get("log", ())
    log = (log,) if isinstance(log, str) else tuple(log)
    if log and out is None:
        raise ArgumentError(f"log={log[0]!r} needs out=, the folder where the tracker puts its files; name one")
    processes = _where(where)
    policies = {name: str(options[name]) for name in ("until_decided", "policy") if options.get(name) is not None}
    request: Request = options_of(Request, cast(Options, {**options, **policies}))
    if all(each.startswith(SCORES_PREFIX) for each in benchmarks):
        data = () if data is None else data  # of scores no picture is read, and $HARDINESS_DATA says nothing
    elif data is None and not (data := os.environ.get("HARDINESS_DATA")):
        raise ArgumentError(
            'data must say where the pictures are, as "embedded" or a folder does; where it is not given, '
            "$HARDINESS_DATA is read, and that is not set"
        )
    arguments, pictures = _named_and_held(data)
    with ExitStack() as stack:
        call = Call(
            models=tuple(shown or model_name(each) for shown, each in models_of_call),
            benchmarks=tuple(benchmarks),
            out=out if out is not None else Path(stack.enter_context(tempfile.TemporaryDirectory())),
            data=tuple(arguments),
            request=replace(request, share=processes if isinstance(processes, Share) else None),
            placement=options_of(Placement, options),
            cluster=processes if isinstance(processes, Cluster) else None,
            log=log,
            held_models=tuple(models_of_call),
            view=view,
            stated={
                key: value
                for key, value in {
                    "tag": tag,
                    "output": output,
                    "activation": activation,
                    "takes": takes,
                    "jpeg": jpeg,
                }.items()
                if value is not None
            },
            pictures=pictures,
            held_answers=predictions,
            is_kept=out is not None,
            arguments=GroupingArguments(columns, cluster, slices, mix),
        )
        outcome = evaluate_all(call, EarlyEnd.of(request), processes, listener(options.get("progress")))
    results = _results(benchmarks, outcome)
    is_one = isinstance(benchmark, str) and not isinstance(model, list | tuple | Mapping)
    return results[0] if is_one else results


def _models_by_name(model: Model | Models, name: str | None) -> list[tuple[str | None, Model]]:
    """The models, each once, with the name that it shall bear; ``None`` for its own.

    Raises:
        ArgumentError: there is none, or one name stands beside several.
    """
    if isinstance(model, Mapping):
        by_name: list[tuple[str | None, Model]] = [(str(shown), each) for shown, each in model.items()]
    elif isinstance(model, list | tuple):
        alone = {id(each) if not isinstance(each, str) else each: each for each in model}
        by_name = [(None, each) for each in alone.values()]
    else:
        return [(name, cast(Model, model))]
    if not by_name:
        raise ArgumentError(f"model must be a model, a list of models or {{name: model}}, was {model!r}")
    if name is not None:
        raise ArgumentError(f"name goes with one model, had {len(by_name)}; hand several over as {{name: model}}")
    return by_name


def _where(where: str | Share | Cluster | None) -> Where:
    """The processes that an argument names.

    Raises:
        ArgumentError: it is neither ``"i/n"`` nor ``"ray"``.
    """
    if not isinstance(where, str):
        return where
    return Cluster() if where == "ray" else Share.parse(where)


def _named_and_held(data: Data) -> tuple[list[str], Any]:
    """The data as ``--data`` names them, and what Python holds, ``None`` where that is nothing."""
    if isinstance(data, str | os.PathLike):
        return [os.fspath(data)], None
    if not isinstance(data, list | tuple):
        return [], data
    named = [os.fspath(each) for each in data if isinstance(each, str | os.PathLike)]
    held = [each for each in data if not isinstance(each, str | os.PathLike)]
    return ([], data) if len(held) > 1 or (held and not named) else (named, held[0] if held else None)


def _results(benchmarks: Sequence[str], outcome: Outcome) -> StoredResults:
    """The results of each benchmark in turn, with what a person should know of them.

    Raises:
        ModelError: nothing could be evaluated.
    """
    results: list[Result] = []
    problems = list(outcome.problems)
    order = {model: place for place, model in enumerate(outcome.remarks_on_models)}
    for text in benchmarks:
        outcomes = [part for row, part in outcome.parts if text in row.named]
        keys, name = {key for part in outcomes for key in part.keys}, parse(text).name
        own = [result for result in outcome.results if result.benchmark == name and result.is_of(keys)]
        own.sort(key=lambda result: order.get(result.model, len(order)))
        facts = [fact for part in outcomes for fact in (*part.problems, *part.unreached, *part.remarks)]
        for result in own:
            remarks = (*facts, *outcome.remarks_on_models.get(result.model, ()), *outcome.untracked)
            others = order.keys() - {result.model}
            warnings = (replace(fact, about="") for fact in remarks if fact.about not in others)
            results.append(replace(result, warnings=tuple(dict.fromkeys((*result.warnings, *warnings)))))
        if not own and not any(part.problems for part in outcomes):
            problems.append(Fact(RunRemark.NOTHING_EVALUATED, about=text))
    if not results:
        raise ModelError(lines_of(problems)[0])
    return StoredResults(results, problems)


def _refuse_unknown(options: Options) -> None:
    for name in options:
        if name not in Options.__annotations__:
            raise UnknownNameError("keyword argument of evaluate", name, Options.__annotations__)


def options_of(kind: type[Any], options: Options) -> Any:
    """An options type, with those of its fields that are among the options."""
    names = {each.name for each in fields(kind)}
    return kind(**{name: value for name, value in options.items() if name in names})
