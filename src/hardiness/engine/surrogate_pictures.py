"""Pictures made on a surrogate, kept beside the records, so that a model that is added later needs no attack."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core import CANVAS_224, Condition, Expansion, InputIdentity, ModelIdentity, Run, StoreError
from hardiness.core.benchmark import Pixels
from hardiness.store.files import Files

FOLDER, FACTS = "surrogates", "facts.json"

MOST_BYTES = 32 * 10**9
"""What they may take at most: 7 budgets on 5,000 photographs do, on all of ImageNet's they would take 210 GB."""

PICTURE_BYTES = CANVAS_224.crop_px**2 * 3 * 4

LEVEL = 1
"""Of compression: what an attack has pressed against its budget is nearly free, and the rest hardly shrinks at all."""


@dataclass
class SurrogatePictures:
    """A file a photograph with its pictures under every condition, exactly as they were shown: float32, lossless.

    Attributes:
        files: of the output folder.
        folder: there; its name changes with the surrogate, the attacks, the seed and the data.
        conditions: every condition of the benchmark.
        failed: why no further file is written; empty while all can be.
    """

    files: Files
    folder: str
    conditions: tuple[Condition, ...]
    failed: str = ""

    @classmethod
    def of(cls, files: Files, run: Run, pictures: int) -> SurrogatePictures | None:
        """Those that the models of such a run are shown, whichever model it is of; ``None`` without a surrogate.

        Args:
            files: of the output folder.
            run: of any of the models.
            pictures: how many were asked for; where they might take more than `MOST_BYTES`, no further are kept.
        """
        if run.surrogate is None:
            return None
        benchmark = replace(run.benchmark, columns=())
        anyone = replace(run, model=ModelIdentity(), benchmark=benchmark, input=InputIdentity(), precision="fp32")
        name = re.sub(r"[^\w.-]+", "_", run.surrogate.model)[:60]
        size = pictures * PICTURE_BYTES
        large = f"they might take {size / 1e9:.0f} GB, and at most {MOST_BYTES / 1e9:.0f} GB are kept"
        return cls(files, f"{FOLDER}/{name}--{anyone.key}", run.conditions, large if size > MOST_BYTES else "")

    def read(self, sample: str, wanted: Sequence[int]) -> list[Expansion] | None:
        """The pictures of a photograph under these conditions, by index; ``None`` unless all are there and whole."""
        try:
            content = self.files.read(self._path(sample))
            if content is None:
                return None
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                facts = json.loads(archive.read(FACTS))
                return [self._expansion(index, facts[str(index)], archive.read(str(index))) for index in wanted]
        except (StoreError, zipfile.BadZipFile, LookupError, ValueError, TypeError):
            return None  # it is made again

    def write(self, sample: str, found: Iterable[Expansion]) -> None:
        """Keep the pictures of a photograph; where the folder takes no more, nothing is kept from then on."""
        if self.failed:
            return
        buffer, facts = io.BytesIO(), {}
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            for each in found:
                index, pixels = self.conditions.index(each.condition), np.asarray(each.images[0], np.float32)
                facts[str(index)] = {"shape": pixels.shape, "facts": each.facts}
                archive.writestr(zipfile.ZipInfo(str(index)), _bytes(pixels), zipfile.ZIP_DEFLATED, LEVEL)
            archive.writestr(zipfile.ZipInfo(FACTS), json.dumps(facts))
        try:
            self.files.write(self._path(sample), buffer.getvalue())
        except StoreError as error:
            self.failed = str(error)

    @property
    def remark(self) -> str | None:
        """What to tell of it; ``None`` where nothing went wrong."""
        if not self.failed:
            return None
        return f"pictures made on the surrogate are not kept ({self.failed}); a model added later attacks it again"

    def _path(self, sample: str) -> str:
        return f"{self.folder}/{sample}.zip"

    def _expansion(self, index: int, told: dict[str, object], content: bytes) -> Expansion:
        pixels = _pixels(content, tuple(told["shape"]))  # type: ignore[arg-type]  # as `write` wrote it
        facts = tuple((str(name), float(value)) for name, value in told["facts"])  # type: ignore[attr-defined]
        return Expansion(self.conditions[index], 0, (pixels,), facts)


def _bytes(pixels: Pixels) -> bytes:
    """All first bytes, then all second ones …: exponents lie beside exponents."""
    return np.ascontiguousarray(pixels, "<f4").reshape(-1, 1).view(np.uint8).T.tobytes()


def _pixels(content: bytes, shape: tuple[int, ...]) -> Pixels:
    planes: NDArray[np.uint8] = np.frombuffer(content, np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<f4").reshape(shape).astype(np.float32)
