"""``imagenet-c``: 15 common corruptions at five severities; all of it stands in ``reference/sets/imagenet-c.toml``."""

from hardiness.benchmarks.corruption_set import corruption_benchmark

ImagenetC = corruption_benchmark("imagenet-c")
