"""The pictures that a model was shown, made again from a sample and a condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields

from hardiness.benchmarks.options import registry
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Image, Item, PictureFault
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError
from hardiness.core.model import CANVAS_224
from hardiness.core.result import Result
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.store.files import Files

NO_PICTURE = "attacked pictures are kept where a run is given --save-images, and these were not"


class PictureSource:
    """Makes pictures again that models were shown; each data set is read once.

    Args:
        root: where the data of a result are looked for.
        outs: the output folders, which may hold attacked pictures.
        requested: the sets, among those whose licence wants their pictures shown to who asks for them alone, that were
            asked for.
    """

    def __init__(
        self, root: Callable[[Result], DataRoot], outs: Sequence[Files], requested: Collection[str] = ()
    ) -> None:
        self._root, self._outs, self._requested = root, outs, requested
        self._items: dict[tuple[str, str], tuple[Benchmark, DataSet, dict[str, Item]]] = {}

    def __call__(self, result: Result, sample: str, condition: Condition) -> Image:
        """The picture ``uint8 (H, W, 3)``; of a sequence its last frame.

        Raises:
            DataError: the data are not where they were, have changed, or lack the sample; an attacked picture was not
                saved; or the set is shown to who asks for it, and nobody did. The message says which.
            SampleError: the file cannot be read.
        """
        if is_shown_when_asked(result) and result.benchmark not in self._requested:
            raise DataError(f"pictures of {result.benchmark} are shown to who asks for them: --show {result.benchmark}")
        if condition and result.run.attack:
            return self._read_attacked(result, sample, condition)
        benchmark, data, items = self._open(result)
        item = items.get(sample)
        if item is None:
            raise DataError(f"{result.data} at {result.plan.location} holds no {sample}")
        canvas = data.canvas or benchmark.canvas or CANVAS_224
        shown_condition = condition or next(iter(c for c in benchmark.conditions() if not c), Condition())
        if result.run.shows_whole_pictures:  # corrupted at its own size, and made as large as others to be looked at
            photograph = decode(item.file.read(), item.file.name)
            return on_canvas(
                benchmark.picture_at_own_size(photograph, shown_condition, sample, result.run.seed), canvas
            )
        last: Image | None = None
        for expansion in benchmark.expand(item, (shown_condition,), (canvas,), result.run.seed):
            if isinstance(expansion, PictureFault):
                raise DataError(expansion.reason)
            last = expansion.images[0]  # type: ignore[assignment]  # before an attack every picture is an image
        if last is None:
            raise DataError(f"{sample} gives no picture under {shown_condition}")
        return last

    def _open(self, result: Result) -> tuple[Benchmark, DataSet, dict[str, Item]]:
        key = result.run.benchmark.name, result.run.data.fingerprint
        if key not in self._items:
            benchmark = _benchmark(result)
            dataset = benchmark.dataset(self._root(result))
            if dataset.fingerprint != result.run.data.fingerprint:
                raise DataError(f"{result.data} at {dataset.location} has changed since it was evaluated")
            self._items[key] = benchmark, dataset, {item.id: item for item in dataset.items}
        return self._items[key]

    def _read_attacked(self, result: Result, sample: str, condition: Condition) -> Image:
        made_on = result.run.surrogate.model if result.run.surrogate else result.run.model.name
        path = f"images/{result.run.benchmark.name}/{place_of(made_on, condition, sample)}"
        for files in self._outs:
            if (content := files.read(path)) is not None:
                return decode(content, f"{files.address}/{path}")
        raise DataError(NO_PICTURE)


def is_shown_when_asked(result: Result) -> bool:
    """Whether the licence of a result's pictures wants them shown to who asks for them alone."""
    return result.benchmark in CLASS_SETS and class_set(result.benchmark).shown_when_asked


def place_of(model: str, condition: Condition, sample: str) -> str:
    """Where a picture lies below the folder of its benchmark, with ``/`` between folders."""
    at = "-".join(
        f"{key}_{value:.4g}" if isinstance(value, float) else f"{key}_{value}" for key, value in condition.items()
    )
    parts = (re.sub(r"[^\w.-]+", "_", name) for name in (model, at))
    return "/".join((*parts, f"{sample}.png"))


def _benchmark(result: Result) -> Benchmark:
    """The benchmark of a result with the options that changed its rows.

    Raises:
        DataError: it is not installed here.
    """
    identity = result.run.benchmark
    kind = registry.find(identity.name)
    if kind is None:
        raise DataError(f"benchmark {identity.name} is not installed here")
    defaults = {option.name: option.default for option in fields(kind)}  # type: ignore[arg-type]
    options = {name: value for name, value in identity.options.items() if name in defaults}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in options.items()})
