"""The noise of a protocol: what a setting that nobody states moves scores by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from hardiness import data as datasets
from hardiness import models
from hardiness.api.evaluation import Options, options_of
from hardiness.api.progress import listener
from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.fact import lines_of
from hardiness.core.progress import Listener
from hardiness.core.request import Placement, Request
from hardiness.data.items import limited
from hardiness.data.root import absolute_arguments
from hardiness.engine.evaluation import evaluate as run_benchmark
from hardiness.engine.protocol_noise import Variation, variations
from hardiness.engine.tasks import canvas_of
from hardiness.models.classifier import Classifier
from hardiness.report.compared import reason_of
from hardiness.report.format import as_text, terminal_table
from hardiness.report.tables import Form, ends_of, table_of
from hardiness.results.folder import Folder
from hardiness.results.measured import RunByImage, measures_of
from hardiness.results.noise import FOLDER, Noise, SettingEffect, moved_by
from hardiness.sources.files import shown
from hardiness.store.store import Store


@dataclass(frozen=True, repr=False)
class NoiseReport(Noise):
    """The noise of one model's scores on one benchmark; prints as a table."""

    def __repr__(self) -> str:
        return as_text(terminal_table(self.view()))

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return self.view().html()

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a score and setting: the score as it is, and what the setting moves it by.

        ``usual`` is the score as it is, and ``value`` what is added by the setting. ``low`` and ``high`` bound the
        95 % interval of ``value``, of all settings of a score together; ``otherwise`` is how many of ``n`` images are
        answered otherwise. ``condition`` says what a score is of, and each key of it is a column too.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        about = {"model": shown(self.model), "benchmark": self.benchmark, "data": shown(self.data)}
        rows = (
            (
                {
                    **about,
                    "metric": effect.moved.metric,
                    "title": shown(effect.title),
                    "condition": shown(str(effect.moved.condition)),
                    "factor": effect.factor,
                    "setting": effect.setting,
                    "usual": effect.usual,
                    "value": effect.moved.value,
                    **ends_of(effect.moved.interval),
                    "n": effect.moved.n,
                    "otherwise": effect.otherwise,
                    "reason": reason_of(effect.moved.lack),
                },
                effect.moved.condition,
            )
            for effect in self.moved
        )
        return table_of(rows, form)


def noise(
    model: str, benchmark: str, data: str | Sequence[str], out: str | Path, **options: Unpack[Options]
) -> NoiseReport:
    """The noise of a protocol: what resize backend, precision, runtime, batch size and seed move scores by, each alone.

    The usual run is evaluated in ``out`` as `evaluate` would; the varied ones below ``out/noise``, so that the same
    call continues. The record is kept there too: `compare` calls a difference nothing that is no larger than what a
    setting moves the score by at least (the end of its interval that is nearer to 0).

    Args:
        model: its name.
        benchmark: ``"NAME"`` or ``"NAME:option=value"``.
        data: as ``--data`` on the command line; one or several.
        out: folder, or the address of one in an object store.
        options: as of `evaluate`.

    Raises:
        ArgumentError, DataError, ModelError, StoreError: as the message says.
    """
    _refuse_options(options)
    arguments, placement = [data] if isinstance(data, str) else list(data), options_of(Placement, options)
    request = replace(options_of(Request, options), data_arguments=absolute_arguments(arguments))
    chosen = parse(benchmark)
    dataset = chosen.dataset(datasets.locate(arguments))
    study = NoiseStudy(chosen, dataset, request, listener(options.get("progress")))
    classifier, store = _loaded(model, placement, {}), Store.create(out)
    usual, batch_size = study.evaluated(classifier, store)
    moved: list[SettingEffect] = []
    left_out: dict[str, str] = {}
    varying = variations(chosen, classifier, batch_size)
    for each in varying:
        try:
            varied = _loaded(model, placement, each.placement) if each.placement else classifier
            place = Store.create(f"{store.address}/{FOLDER}/{each.name}")
            other, _ = study.varied(each, varied).evaluated(varied, place)
            moved += moved_by(each.factor, each.setting, usual, other, len(varying))
        except (ModelError, ArgumentError) as error:
            left_out[f"{each.factor}, {each.setting}"] = str(error)
    report = NoiseReport(usual.key, classifier.spec.name, chosen.name, dataset.name, tuple(moved), left_out)
    report.keep(store)
    return report


def _refuse_options(options: Options) -> None:
    """Raise where an option would end the evaluation under each setting somewhere else, or is of goals.

    Raises:
        ArgumentError: naming it.
    """
    if options.get("policy") is not None:
        raise ArgumentError("policy does not go with noise, which holds no score against a goal; leave it out")
    for name in ("precision_target", "until_decided", "time_budget_s", "calls"):
        if options.get(name) is not None:
            option = name.removesuffix("_s").replace("_", "-")
            raise ArgumentError(
                f"{option} does not go with noise, which evaluates the same pictures under each setting; use limit"
            )


@dataclass(frozen=True)
class NoiseStudy:
    """A study of noise: benchmark, data and request, and the listener."""

    benchmark: Benchmark
    data: DataSet
    request: Request
    listener: Listener

    def varied(self, each: Variation, classifier: Classifier) -> NoiseStudy:
        """The study with one thing varied, on the very images that the usual request chooses."""
        items = sorted(limited(self.data.items, self.request.limit, self.request.seed), key=lambda item: item.id)
        canvas = canvas_of(classifier.spec, self.benchmark, self.data)
        data = each.dataset(replace(self.data, items=tuple(items)), canvas)
        return replace(self, data=data, request=each.request(replace(self.request, limit=None)))

    def evaluated(self, classifier: Classifier, store: Store) -> tuple[RunByImage, int]:
        """The run by image, and its images per forward pass.

        Raises:
            ModelError: the model cannot be evaluated.
            ArgumentError: no image was evaluated under every condition, or the benchmark has no score to compare by.
        """
        outcome = run_benchmark(self.benchmark, [classifier], self.data, store, self.request, self.listener)
        runs = [run for run in Folder.open(store).alone if run.stored.key in outcome.keys]
        if not runs:
            raise ModelError(lines_of(outcome.problems)[0])
        measured = measures_of(runs[0])
        if measured is None:
            raise ArgumentError(
                f"{self.benchmark.name}: no image was evaluated under every condition, or it has no score to compare by"
            )
        return measured, runs[0].stored.plan.batch_size


def _loaded(model: str, placement: Placement, other: Mapping[str, Any]) -> Classifier:
    return models.load(models.resolve(model), **{**asdict(placement), **other})
