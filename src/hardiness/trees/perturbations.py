"""Trees of perturbation sequences, as videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness.benchmarks.imagenet_p import ImagenetP
from hardiness.core.benchmark import Item
from hardiness.core.condition import Condition
from hardiness.core.model import CANVAS_224
from hardiness.core.progress import Listener
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.distortions.apply import perturb, perturbations
from hardiness.imaging.codecs import decode
from hardiness.imaging.mp4 import video_facts
from hardiness.imaging.resizing import before_crop
from hardiness.imaging.videos import encode_video
from hardiness.store.lock import WAIT_S
from hardiness.trees.source_pictures import named_as_source
from hardiness.trees.writing import TreeOutcome, own_code_identity, write_tree

ENCODERS = {True: {"preset": "veryslow", "tune": "grain"}, False: {"preset": "veryslow", "crf": "20"}}
"""Settings of the released videos, of noises and of the others."""


@dataclass(frozen=True)
class PerturbationTree:
    """Makes videos as the released ImageNet-P holds them."""

    cells: Sequence[Condition]
    seed: int
    benchmark: ImagenetP
    command: str = "perturb"

    def name_of(self, item: Item) -> str:
        """The id with the ending of a video."""
        return f"{item.id}.mp4"

    @property
    def origin(self) -> Mapping[str, Any]:
        """The versions of the perturbations."""
        return {"kernel_version": self.benchmark.identity()["kernels"], **own_code_identity(self.benchmark)}

    def place(self, cell: Condition) -> str:
        """``<perturbation>``, with ``_2`` or ``_3`` where it is harder."""
        return ImagenetP.folder_of(cell)

    @property
    def about(self) -> Mapping[str, str]:
        """An empty mapping: videos have no annotations."""
        return {}

    def parameters(self, cell: Condition) -> Mapping[str, Any]:
        """The named parameters of the perturbation at the cell's difficulty."""
        named: Mapping[str, Any] = perturbations.get(cell["perturbation"]).parameters[cell.get("severity", 1) - 1]
        return named

    def is_whole(self, content: bytes) -> bool:
        """Whether an MP4 file ends where its boxes say."""
        facts = video_facts(content)
        return facts is not None and facts.is_whole

    def prepare(self, item: Item) -> Callable[[Condition], bytes]:
        """Decode and resize a photograph once; what is returned gives the video of a cell's sequence."""
        photograph = before_crop(decode(item.file.read(), item.file.name), CANVAS_224)

        def make(cell: Condition) -> bytes:
            name, difficulty = cell["perturbation"], cell.get("severity", 1)
            frames = perturb(photograph, name, difficulty=difficulty, seed=self.seed, id=item.id)
            return encode_video(frames, ENCODERS[perturbations.get(name).group == "noise"])

        return make


def write_perturbed(
    source: str,
    folder: Path,
    benchmark: ImagenetP,
    request: Request,
    listener: Listener | None = None,
    wait_s: float = WAIT_S,
) -> TreeOutcome:
    """Write ``folder/<perturbation>/<id>.mp4`` for every photograph and sequence; finished files are kept.

    Args:
        source: photographs, as ``--data`` takes them for ``imagenet``.
        folder: where the tree is, or goes.
        benchmark: its options pick the sequences.
        request: limit, seed and workers.
        listener: listener of progress, in files.
        wait_s: how long to wait for a process that is writing there.

    Raises:
        ArgumentError: the folder holds other files, or a tree from another source, seed or kernel version.
        DataError: the photographs are not there.
        StoreError: the folder cannot be written to, or another process is writing there for longer than that.
    """
    with named_as_source():
        photographs = replace(benchmark, source="generated").dataset(locate([source]))
    return write_tree(
        PerturbationTree(benchmark.requested(), request.seed, benchmark), photographs, folder, request, listener, wait_s
    )
