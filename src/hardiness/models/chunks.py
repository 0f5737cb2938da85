"""Gradients on a CPU by a few images at a time, each few on a core of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_MOST_IMAGES = 4
_MAKING = threading.Lock()


def in_chunks(function: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    """``function(pixels)``, whose rows do not depend on each other, a few rows at a time; first derivatives only.

    Few images keep a layer's input and output in the cache, and below the size from which the allocator gives memory
    back and asks for it again; threads with a chunk each do not wait for one another after every layer, as threads on
    one layer do. A chunk to which no gradient comes back costs no backward pass.

    Args:
        function: ``(M, 3, H, W)`` to ``(M, K)`` on a CPU, callable from several threads at once.
        pixels: ``(N, 3, H, W)``.
    """
    import torch

    workers = torch.get_num_threads()
    if len(pixels) < max(workers, 2):
        return function(pixels)  # all cores on the layers of few images
    rounds = -(-len(pixels) // (_MOST_IMAGES * workers))
    apart = min(rounds * workers, len(pixels))

    result: Tensor = _chunked().apply(pixels, function, apart, workers)
    return result


@lru_cache(maxsize=1)
def _chunked() -> Any:
    """The operation, made once: classes made at every call would wait for the garbage collector with all they hold."""
    import torch

    class Chunked(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: Tensor, function: Callable[[Tensor], Tensor], apart: int, workers: int) -> Tensor:
            graph = given.requires_grad
            ctx.chunks = [chunk.detach().requires_grad_(graph) for chunk in given.tensor_split(apart)]
            ctx.workers = workers

            def run(chunk: Tensor) -> Tensor:
                with torch.set_grad_enabled(graph):
                    return function(chunk)

            ctx.outputs = _on_all_cores(run, ctx.chunks, workers)
            return torch.cat([output.detach() for output in ctx.outputs])

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
            def run(task: tuple[Tensor, Tensor, Tensor]) -> Tensor:
                chunk, output, gradient = task
                if not bool(gradient.any()):
                    return torch.zeros_like(chunk)
                return torch.autograd.grad(output, chunk, gradient)[0]

            parts = gradients[0].tensor_split(len(ctx.chunks))
            tasks = list(zip(ctx.chunks, ctx.outputs, parts, strict=True))
            return torch.cat(_on_all_cores(run, tasks, ctx.workers)), None, None, None

    return Chunked


def _on_all_cores(run: Callable[[Any], Tensor], tasks: Sequence[Any], workers: int) -> list[Tensor]:
    if workers == 1:
        return [run(task) for task in tasks]
    with _MAKING:
        pool = _pool(workers)
    return list(pool.map(run, tasks))


@lru_cache(maxsize=4)
def _pool(workers: int) -> ThreadPoolExecutor:
    """Threads on which torch uses no further threads.

    How many it uses is a number of each thread, which the first call sets to that of the whole process; setting it
    sets both, so the process's is put back when all threads have theirs.
    """
    import torch

    ready = threading.Barrier(workers + 1)

    def alone() -> None:
        torch.get_num_threads()
        torch.set_num_threads(1)
        ready.wait()

    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, "gradients", initializer=alone)
    for _ in range(workers):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(before)
    return pool
