"""Learned features on a page: pictures that optimisation made for units of a model, each with its caption."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardiness.core import HardinessError, Picture
from hardiness.imaging import decode, encode_jpeg, resize

SIDE_PX, QUALITY, MOST = 144, 75, 60
"""Side of a picture on a page, its JPEG quality, and how many of one command are shown."""

TOLD = ("activation_before", "activation_after", "probability_after", "start", "step")
"""Facts that a caption says, in this order."""


@dataclass(frozen=True)
class FeaturePicture:
    """One unit: its label, what is known of its picture, and the PNG file; ``None`` where none was made."""

    label: str
    facts: Mapping[str, Any]
    picture: Picture | None


@dataclass(frozen=True)
class FeatureGrid:
    """The pictures of one command.

    Attributes:
        model: whose units.
        title: what was done.
        about: the settings, in a line.
        features: in the order they were made.
    """

    model: str
    title: str
    about: str
    features: Sequence[FeaturePicture]


@dataclass(frozen=True)
class Tile:
    """One picture as a page shows it; ``data`` is its JPEG in base64, empty where there is none."""

    anchor: str
    label: str
    caption: str
    data: str


@dataclass(frozen=True)
class UnitBoard:
    """One grid as a page shows it; ``more`` are left out, ``lacking`` says why a picture is not there."""

    grid: FeatureGrid
    tiles: tuple[Tile, ...]
    more: int
    lacking: str


def boards(grids: Sequence[FeatureGrid], images: bool) -> list[UnitBoard]:
    """The grids with their pictures, or without any where ``images`` are not wanted."""
    return [_board(number, grid, images) for number, grid in enumerate(grids)]


def _board(number: int, grid: FeatureGrid, images: bool) -> UnitBoard:
    lacking, tiles = "", []
    for place, feature in enumerate(grid.features[:MOST]):
        data = ""
        if images and feature.picture is not None:
            try:
                data = _encoded(feature.picture, feature.label)
            except (HardinessError, OSError) as error:
                lacking = lacking or str(error)
        tiles.append(Tile(f"feature-{number}-{place}", feature.label, _caption(feature), data))
    return UnitBoard(grid, tuple(tiles), max(0, len(grid.features) - MOST), lacking)


def _encoded(picture: Picture, label: str) -> str:
    image = decode(picture.read_bytes(), label)
    small = resize(image, SIDE_PX, SIDE_PX, "box") if max(image.shape[:2]) > SIDE_PX else image
    return base64.b64encode(encode_jpeg(small, QUALITY)).decode()


def _caption(feature: FeaturePicture) -> str:
    known = {name: feature.facts[name] for name in TOLD if feature.facts.get(name) is not None}
    parts = []
    if "activation_before" in known and "activation_after" in known:
        parts.append(f"{known['activation_before']:.3g} → {known['activation_after']:.3g}")
    if "probability_after" in known:
        parts.append(f"p {known['probability_after']:.3f}")
    if "start" in known and str(known["start"]) not in feature.label:
        parts.append(f"from {known['start']}")
    if feature.picture is None:
        parts.append("not reached")
    return ", ".join(parts)
