"""The output folder of feature visualisation: pictures, sheets, a page, and reading them back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, DataError
from hardiness.imaging.codecs import png
from hardiness.models.classifier import Classifier
from hardiness.store.writing import PARTIAL, file_errors, read_json, write, write_json

if TYPE_CHECKING:
    from torch import Tensor


def to_images(pixels: Tensor) -> list[Image]:
    """Images ``uint8 (H, W, 3)``, rounded, from ``pixels (N, 3, H, W)`` in [0, 1]."""
    rounded = (pixels.detach().clamp(0, 1) * 255).round().byte()
    return list(rounded.permute(0, 2, 3, 1).contiguous().cpu().numpy())


MARGIN_PX, GAP_PX, FONT_PX, LINE_PX = 16, 12, 13, 17
PAPER, INK, FAINT, EMPTY = (255, 255, 255), (34, 34, 34), (110, 110, 110), (236, 236, 236)


@dataclass(frozen=True, eq=False)
class SheetTile:
    """One place of the page.

    Attributes:
        caption: lines below the picture; the first is printed darker.
        image: ``uint8 (H, W, 3)``, or ``None`` where there is no picture to show.
        instead: what stands in the place of a picture that is not there.
    """

    caption: tuple[str, ...]
    image: Image | None
    instead: str = ""


def probability_text(probability: float) -> str:
    """A probability with three decimals; near 1, its distance to 1, since 1e-3 and 1e-6 differ a lot as logits."""
    return f"{probability:.3f}" if probability < 0.9995 else f"1 - {max(1 - probability, 0.0):.0e}"


def sheet(rows: Sequence[Sequence[SheetTile]], cell_px: int = 224) -> Image:
    """The page, ``uint8 (H, W, 3)``: rows of panels, each picture as large as its cell, captions below.

    Args:
        rows: from the top, each from the left; at least one panel in all.
        cell_px: side of a picture; others are resampled to it.
    """
    lines = max(len(panel.caption) for row in rows for panel in row)
    width = 2 * MARGIN_PX + max(map(len, rows)) * (cell_px + GAP_PX) - GAP_PX
    height_of_row = cell_px + 6 + lines * LINE_PX + GAP_PX
    page = PIL.Image.new("RGB", (width, 2 * MARGIN_PX + len(rows) * height_of_row - GAP_PX), PAPER)
    draw = PIL.ImageDraw.Draw(page)
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            left, top = MARGIN_PX + column * (cell_px + GAP_PX), MARGIN_PX + row * height_of_row
            _place(page, draw, panel, (left, top, cell_px))
    return np.array(page)


def folded(panels: Sequence[SheetTile], columns: int | None = None) -> list[list[SheetTile]]:
    """One list of panels as rows; by default of a page that is a little wider than high."""
    width = columns or max(1, min(8, int(np.ceil(np.sqrt(1.6 * len(panels))))))
    return [list(panels[first : first + width]) for first in range(0, len(panels), width)]


def _place(page: PIL.Image.Image, draw: PIL.ImageDraw.ImageDraw, panel: SheetTile, place: tuple[int, int, int]) -> None:
    left, top, side = place
    font = PIL.ImageFont.load_default(FONT_PX)
    if panel.image is None:
        draw.rectangle((left, top, left + side - 1, top + side - 1), fill=EMPTY)
        draw.text((left + side / 2, top + side / 2), panel.instead, FAINT, font, anchor="mm", align="center")
    else:
        picture = PIL.Image.fromarray(panel.image)
        if picture.size != (side, side):
            picture = picture.resize((side, side), PIL.Image.Resampling.LANCZOS)
        page.paste(picture, (left, top))
    for number, line in enumerate(panel.caption):
        where = (left, top + side + 6 + number * LINE_PX)
        draw.text(where, _fitted(line, side, font), INK if number == 0 else FAINT, font)


def _fitted(text: str, width_px: int, font: PIL.ImageFont.ImageFont | PIL.ImageFont.FreeTypeFont) -> str:
    """The text, shortened in its middle where it is too wide: the end of a layer's name says most."""
    if font.getlength(text) <= width_px:
        return text
    for kept in range(len(text) - 1, 1, -1):
        shorter = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        if font.getlength(shorter) <= width_px:
            return shorter
    return "…"


RECORD, GRID = "features.json", "grid.png"
SCHEMA = 1


@dataclass(eq=False)
class Exhibition:
    """Pictures on their way into a folder; what an earlier command put there is replaced.

    Attributes:
        folder: where they go.
        about: what all of them share: protocol, model, settings.
    """

    folder: Path
    about: Mapping[str, Any]
    _pictures: dict[str, Image] = field(default_factory=dict)
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, label: str, image: Image | None, facts: Mapping[str, Any]) -> None:
        """Add one entry. Without an image it appears in `features.json` alone."""
        name = None
        if image is not None:
            name = f"{len(self._entries):03d}_{_slug(label)}.png"
            self._pictures[name] = image
        self._entries.append({"file": name, "label": label, **facts})

    def write(self, rows: Sequence[Sequence[SheetTile]]) -> None:
        """Write all files, `features.json` last, so that a folder which has it is complete.

        Raises:
            ArgumentError: the folder holds files that no such command wrote.
            StoreError: it cannot be written to.
        """
        refuse_strangers(self.folder)
        partial = self.folder / PARTIAL
        _clear(self.folder)
        for name, image in self._pictures.items():
            write(self.folder / name, png(image), partial)
        write(self.folder / GRID, png(sheet(rows)), partial)
        record = {"schema": SCHEMA, **self.about, "grid": GRID, "features": self._entries}
        write_json(self.folder / RECORD, record, partial)
        partial.rmdir()


def about(classifier: Classifier, protocol: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that all pictures of a command share."""
    return {
        "protocol": protocol,
        "model": classifier.spec.name,
        "weights_sha256": classifier.weights_sha256,
        "settings": dict(settings),
    }


def refuse_strangers(folder: Path) -> None:
    """Raise an error if the folder holds files that this command did not write.

    Raises:
        ArgumentError: it does.
        StoreError: it cannot be listed.
    """
    if not folder.exists() or (folder / RECORD).exists():
        return
    with file_errors(folder, "list"):
        strange = sorted(set(os.listdir(folder)) - {PARTIAL})
    if strange:
        raise ArgumentError(
            f"--out {folder} must be empty or hold a {RECORD}, but holds {strange[0]}; choose another folder"
        )


def _clear(folder: Path) -> None:
    """Remove what an earlier command wrote, and nothing else."""
    record = folder / RECORD
    if not record.exists():
        return
    found = read_json(record)
    entries = found.get("features", ()) if isinstance(found, dict) else ()
    names = [entry.get("file") for entry in entries if isinstance(entry, dict)]
    with file_errors(folder, "write to"):
        record.unlink()
        for name in names:
            if isinstance(name, str) and name == Path(name).name:
                (folder / name).unlink(missing_ok=True)


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-").lower() or "unit"


DEEP = 2
"""Folders below an output folder in which pictures are looked for."""

NOT_OURS = frozenset(("records", "figures", "images", PARTIAL))
"""Folders of an output folder that hold something else."""


@dataclass(frozen=True)
class StoredFeature:
    """One picture: its label, its facts, and its file; ``None`` where none was made."""

    label: str
    facts: Mapping[str, Any]
    file: Path | None


@dataclass(frozen=True)
class StoredFeatures:
    """One command's pictures: whose, under which protocol and settings."""

    folder: Path
    model: str
    protocol: str
    settings: Mapping[str, Any]
    features: tuple[StoredFeature, ...]


def folders(out: Path) -> list[Path]:
    """The folders with such pictures: ``out`` itself, and those at most two levels below it, sorted."""
    return sorted(set(_below(out, DEEP)))


def read(folder: Path) -> StoredFeatures:
    """The pictures of one folder.

    Raises:
        DataError: its record is damaged or of another schema.
        StoreError: it cannot be read.
    """
    found = read_json(folder / RECORD)
    try:
        if found["schema"] != SCHEMA:
            raise DataError(f"{folder / RECORD} has schema {found['schema']}; this version reads {SCHEMA}")
        features = tuple(_feature(folder, entry) for entry in found["features"])
        return StoredFeatures(folder, str(found["model"]), str(found["protocol"]), found["settings"], features)
    except (TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{folder / RECORD} is damaged ({error!r}); run its 'hardiness make features' again") from error


def _feature(folder: Path, entry: Mapping[str, Any]) -> StoredFeature:
    name = entry["file"]
    if name is not None and name != Path(name).name:
        raise KeyError(name)
    facts = {key: value for key, value in entry.items() if key not in ("file", "label")}
    label = str(entry.get("label") or Path(name or "unit").stem)
    return StoredFeature(label, facts, None if name is None else folder / name)


def _below(folder: Path, deep: int) -> Iterator[Path]:
    if (folder / RECORD).is_file():
        yield folder
    if not deep or not folder.is_dir():
        return
    with file_errors(folder, "list"):
        inside = sorted(each.name for each in os.scandir(folder) if each.is_dir(follow_symlinks=False))
    for name in inside:
        if name not in NOT_OURS:
            yield from _below(folder / name, deep - 1)
