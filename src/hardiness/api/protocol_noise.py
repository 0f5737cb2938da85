"""How far the protocol itself moves a model's scores, from Python and for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from hardiness import data as datasets
from hardiness import models
from hardiness.api.evaluation import Options, chosen_of
from hardiness.api.placement import Placement
from hardiness.api.progress import listener
from hardiness.benchmarks.options import parse
from hardiness.core import ArgumentError, Benchmark, DataSet, Listener, ModelError, Request
from hardiness.data import limited
from hardiness.data.place import written
from hardiness.engine import evaluate as run_benchmark
from hardiness.engine.variations import Variation, variations
from hardiness.models import Classifier
from hardiness.scoring.statistics.measured import Measured, stored_measures
from hardiness.scoring.statistics.noise import FOLDER, Moved, Noise, keep_noise, moved_by
from hardiness.store import Store


def noise(model: str, benchmark: str, data: str | Sequence[str], out: str | Path, **options: Unpack[Options]) -> Noise:
    """What resize backend, precision, runtime, batch size and seed move a model's scores by, each varied alone.

    The usual run is evaluated in ``out`` as `evaluate` would; the varied ones below ``out/noise``, so that the same
    call continues. The record is kept there too: `compare` calls a difference nothing that is no larger.

    Args:
        model: its name.
        benchmark: ``"NAME"`` or ``"NAME:option=value"``.
        data: as ``--data`` on the command line; one or several.
        out: folder, or the address of one in an object store.
        options: as of `evaluate`.

    Raises:
        ArgumentError, DataError, ModelError, StoreError: as the message says.
    """
    given, placement = [data] if isinstance(data, str) else list(data), chosen_of(Placement, options)
    request = replace(chosen_of(Request, options), data_arguments=written(given))
    chosen = parse(benchmark)
    dataset = chosen.dataset(datasets.locate(given))
    asked = NoiseStudy(chosen, dataset, request, listener(options.get("progress")))
    classifier, store = _loaded(model, placement, {}), Store.create(out)
    usual, batch_size = asked.evaluated(classifier, store)
    moved: list[Moved] = []
    left_out: dict[str, str] = {}
    for each in variations(chosen, classifier, batch_size):
        try:
            varied = _loaded(model, placement, each.placement) if each.placement else classifier
            place = Store.create(f"{store.address}/{FOLDER}/{each.name}")
            moved += moved_by(each.factor, each.setting, usual, asked.varied(each, varied).evaluated(varied, place)[0])
        except (ModelError, ArgumentError) as error:
            left_out[f"{each.factor}, {each.setting}"] = str(error)
    found = Noise(usual.key, classifier.spec.name, chosen.name, dataset.name, tuple(moved), left_out)
    keep_noise(store, found)
    return found


@dataclass(frozen=True)
class NoiseStudy:
    """What is evaluated: benchmark, data and request, and who hears of it."""

    benchmark: Benchmark
    data: DataSet
    request: Request
    listener: Listener

    def varied(self, each: Variation, classifier: Classifier) -> NoiseStudy:
        """The same with one thing varied, on the very images that the usual request chooses."""
        items = sorted(limited(self.data.items, self.request.limit, self.request.seed), key=lambda item: item.id)
        canvas = self.benchmark.canvas or classifier.spec.view.canvas
        data = each.dataset(replace(self.data, items=tuple(items)), canvas)
        return replace(self, data=data, request=each.request(replace(self.request, limit=None)))

    def evaluated(self, classifier: Classifier, store: Store) -> tuple[Measured, int]:
        """The run by image, and its images per forward pass.

        Raises:
            ModelError: the model cannot be evaluated.
            ArgumentError: no image was evaluated under every condition, or the benchmark has no score to compare by.
        """
        found = run_benchmark(self.benchmark, [classifier], self.data, store, self.request, self.listener)
        runs = [run for run in store.runs() if run.key in found.keys]
        if not runs:
            raise ModelError(found.problems[0])
        measured = stored_measures(runs[0])
        if measured is None:
            raise ArgumentError(
                f"{self.benchmark.name}: no image was evaluated under every condition, or it has no score to compare by"
            )
        return measured, runs[0].plan.batch_size


def _loaded(model: str, placement: Placement, other: Mapping[str, Any]) -> Classifier:
    return models.load(models.resolve(model), **{**asdict(placement), **other})
