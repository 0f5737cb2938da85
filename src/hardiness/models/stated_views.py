"""The view that a person states by options: whether it must, whether it can be, and notes on its gaps."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.model import View

PREPROCESSING = "preprocessing"
"""Name of the option that names a file with a view."""

NUMBERS = ("mean", "std")
"""Fields of a view that are numbers, one for each channel."""

_GEOMETRY = ("resize_px", "crop_px", "crop_mode")


def require_view(name: str, options: Mapping[str, str], *, bytes_in: bool = False) -> None:
    """Raise an error unless options state the view of a model that does not bring one.

    Args:
        name: the model's, for the message.
        options: the person's.
        bytes_in: whether it takes images as bytes, so that there is no mean and std to state.

    Raises:
        ArgumentError: naming what is missing and the ways to give it.
    """
    if PREPROCESSING in options:
        return
    if bytes_in:
        if not any(key in options for key in _GEOMETRY):
            raise ArgumentError(
                f"{name} takes images as bytes and does not say how photographs are brought to its size, which is "
                "never guessed: state resize_px=…,crop_px=… or crop_mode=squash, or preprocessing=FILE"
            )
        return
    missing = [key for key in NUMBERS if key not in options]
    if missing:
        raise ArgumentError(
            f"{name} brings no preprocessing, and a view is never guessed: "
            f"{' and '.join(f'{key}=' for key in missing)} must be given, as in "
            f"{name}:mean=0.485/0.456/0.406,std=0.229/0.224/0.225,resize_px=256,crop_px=224 "
            f"or {name}:preprocessing=FILE"
        )


_LEAST_CROP = 0.8
"""Share of the resized side below which a crop is told where one of the two was assumed; timm's are 0.875 and more."""

_MOST_OF_UNIT = 2.0
"""Largest mean or std of pixels from 0 to 1: a few published ones are above 1, and those of bytes are all above 50."""


def refuse_other_range(name: str, view: View) -> None:
    """Raise an error where mean and std are of another range of pixels than the view's, which gives answers by chance.

    Raises:
        ArgumentError: naming them and the range that they are of.
    """
    largest, is_of_bytes = max((*map(abs, view.mean), *view.std)), view.range == "0..255"
    both = " and ".join(f"{key}={'/'.join(f'{number:g}' for number in getattr(view, key))}" for key in NUMBERS)
    if not is_of_bytes and largest > _MOST_OF_UNIT:
        raise ArgumentError(
            f"{name}: {both} are of pixels from 0 to 255, and its range is 0..1: state range=0..255, or mean and std "
            "divided by 255"
        )
    if is_of_bytes and max(map(abs, view.mean)) <= 1 and max(view.std) < 1:
        raise ArgumentError(
            f"{name}: {both} are of pixels from 0 to 1, and its range is 0..255: leave range out, or state mean and "
            "std of pixels from 0 to 255"
        )


def assumed_geometry(view: View, stated: Collection[str]) -> tuple[Fact, ...]:
    """Notes on assumptions about the geometry, about one of its two sizes, or about the filter alone.

    Args:
        view: the model's.
        stated: names of the options, or of the fields of a `View`, that a person gave.
    """
    if PREPROCESSING in stated:
        return ()
    if not any(key in stated for key in _GEOMETRY):
        return (_assumed(view, "resize_px", "crop_px", "interpolation"),)
    notes = []
    is_centred = view.crop_mode in ("center", "center_floor")
    if is_centred and view.resize_px < view.crop_px:
        missing = [key for key in ("resize_px", "crop_px") if key not in stated]
        if missing:
            notes.append(_assumed(view, *missing))
    if is_centred and "resize_px" not in stated and view.crop_px < _LEAST_CROP * view.resize_px:
        notes.append(_assumed(view, "resize_px"))
    if "interpolation" not in stated and view.crop_mode != "unresized":
        notes.append(_assumed(view, "interpolation"))
    return tuple(notes)


def _assumed(view: View, *fields: str) -> Fact:
    used = {"resize_px": view.resize_px, "crop_px": view.crop_px, "interpolation": view.interpolation}
    return Fact(ModelNote.ASSUMED_VIEW, {"fields": fields, **used})
