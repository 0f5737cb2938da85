"""Which benchmarks take a person's own pictures: those of photographs with labels, as ImageNet's are."""

from __future__ import annotations

from hardiness.core.benchmark import Benchmark, DataRoot
from hardiness.data.root import OWN


def takes_own_pictures(kind: type[Benchmark]) -> bool:
    """Whether a person's own photographs in their own classes are enough for a benchmark."""
    return OWN in kind.needs or ("imagenet" in kind.needs and not kind.needs_imagenet_classes)


def refusal_of_own(benchmark: Benchmark, data: DataRoot) -> str:
    """Why a benchmark cannot take the person's own pictures that were named, and what serves; empty where it can."""
    is_there = any(data.has(name) for name in benchmark.needs) and not benchmark.needs_imagenet_classes
    if is_there or not data.is_replaced_by_own("imagenet"):
        return ""
    needs = " or ".join(benchmark.needs)
    lacking = "ImageNet's own classes" if benchmark.needs_imagenet_classes else f"the pictures of {needs}"
    return (
        f"{benchmark.name} needs {lacking}, for which your own pictures do not stand; these serve them: "
        f"{benchmark.own_substitute}; published ones are named with --data {benchmark.needs[0]}=PATH"
    )
