"""Where benchmarks are found by name."""

from hardiness.core import Benchmark, Registry

registry: Registry[type[Benchmark]] = Registry("benchmark", "hardiness.benchmarks", "hardiness.benchmarks")
