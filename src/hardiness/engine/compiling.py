"""Array kernels compiled by a process of their own, while this one still imports torch and loads its models."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from hardiness.core.benchmark import Benchmark, DataSet, Item
from hardiness.core.model import CANVAS_224
from hardiness.core.process import usable_cores
from hardiness.imaging.compiled import has_machine_code

Sample = tuple[Benchmark, Item]
"""A benchmark and a photograph of its data."""


@contextmanager
def compiling_ahead(evaluations: Sequence[tuple[Benchmark, DataSet]]) -> Iterator[None]:
    """Compile in a second process, on another core, the kernels that these benchmarks call, within.

    Only where none has been compiled yet, as after installing: a kernel takes up to four seconds, and nothing else of
    this process could run meanwhile, as compiling holds the GIL. Machine code is handed over by the folder in which it
    is kept between runs. What goes wrong there costs nothing: this process then compiles the kernel itself.

    Args:
        evaluations: benchmarks and their data, in the order in which they are to be evaluated.
    """
    samples = [(benchmark, data.items[0]) for benchmark, data in evaluations if data.items]
    if not samples or usable_cores() < 2 or has_machine_code():
        yield
        return
    with ExitStack() as stack:
        with suppress(OSError, pickle.PicklingError, AttributeError, TypeError):  # also what cannot be pickled
            _start(pickle.dumps(samples), stack)
        yield


def _start(samples: bytes, stack: ExitStack) -> None:
    """Start the process, which goes with the stack."""
    # Nothing is imported from the working folder (-P).
    command = [sys.executable, "-P", "-m", __name__]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, bufsize=0)
    stack.callback(process.wait)
    stack.callback(process.kill)
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(samples)


def compile_for(samples: Sequence[Sample]) -> None:
    """Make one picture of each condition, and drop it; a condition that fails is left out.

    The last condition comes first: where the process that waits for the kernels begins meanwhile, with the first one,
    the two meet in the middle, and neither compiles what the other does.
    """
    for benchmark, item in samples:
        for condition in reversed(benchmark.conditions()):
            with suppress(Exception):
                list(benchmark.expand(item, [condition], [CANVAS_224], 0))


if __name__ == "__main__":
    compile_for(pickle.load(sys.stdin.buffer))
