"""Pictures that views and canvases enlarge, told where most of a data set's are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from hardiness.core.benchmark import AS_IT_IS, Benchmark, DataSet, Item
from hardiness.core.codes import DataRemark
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.data.sizes import sizes_of
from hardiness.engine.tasks import Task
from hardiness.imaging.resizing import Size, resized_size

SAMPLED = 25
"""Pictures whose size is read: enough for a median, few enough for data that lie elsewhere."""

TOLD_FROM = 3.0
"""Times by which the median picture is enlarged from which on it is told.

ImageNet's median shorter side is 375 px, which the largest view of timm, 1,024 px, enlarges 2.7 times, as is meant.
Pictures of 64, 40 or 32 px are enlarged 4 to 8 times by the usual 256 px.
"""


def enlarged(benchmark: Benchmark, data: DataSet, tasks: Sequence[Task]) -> Iterator[Fact]:
    """A fact on a person's own small pictures, each size that small ones are resized to, and what enlarges photographs.

    A canvas is told that enlarges most photographs at least `TOLD_FROM` times. Each fact names the models.

    Args:
        benchmark: which may have a canvas of its own.
        data: its data set, of which `SAMPLED` pictures are read.
        tasks: its models.
    """
    strengths = str(benchmark.identity().get("strengths", ""))
    if benchmark.is_own and (strengths or any(task.canvas == data.canvas for task in tasks)):
        yield Fact(DataRemark.SMALL, {"data": data.name, "px": data.side_px, "strengths": strengths})
    for feed in dict.fromkeys(task.feed for task in tasks if data.side_px and task.feed.resized):
        models = tuple(task.classifier.spec.name for task in tasks if task.feed == feed)
        sides = {"px": feed.canvas_px, "input_px": feed.input_px, "interpolation": "bicubic"}
        yield Fact(DataRemark.RESIZED, {"data": data.name, **sides, "models": models})
    sizes = _sizes(data.items) if tasks else []
    if not sizes:
        return
    shorter_px = median(map(min, sizes))
    for canvas in dict.fromkeys(task.canvas for task in tasks if isinstance(task.canvas, Canvas)):
        times = median(_enlargement(size, canvas) for size in sizes)
        names = tuple(task.classifier.spec.name for task in tasks if task.canvas == canvas)
        if data.side_px and not benchmark.canvas and canvas != data.canvas and times < TOLD_FROM:
            sides = {"px": data.side_px, "input_px": canvas.crop_px, "interpolation": canvas.interpolation}
            yield Fact(DataRemark.RESIZED, {"data": data.name, **sides, "models": names})
        if times < TOLD_FROM:
            continue
        enlargement = {
            "px": float(shorter_px),
            "resize_px": canvas.resize_px,
            "crop_px": canvas.crop_px,
            "times": times,
        }
        whom = {"benchmark": benchmark.name} if benchmark.canvas else {"models": names}
        yield Fact(DataRemark.ENLARGED, {"data": data.name, **enlargement, **whom})


def _enlargement(size: Size, canvas: Canvas) -> float:
    """The times by which a canvas enlarges a picture, along the side that it enlarges less."""
    new = resized_size(size, canvas)
    return min(new.height / size.height, new.width / size.width)


def _sizes(items: Sequence[Item]) -> list[Size]:
    """The sizes of some pictures, evenly over a data set; those that cannot be read have none."""
    cropped = [item for item in items if AS_IT_IS not in item.tags]
    return list(sizes_of(cropped[:: max(1, len(cropped) // SAMPLED)][:SAMPLED]))
