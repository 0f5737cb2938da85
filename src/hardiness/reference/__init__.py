"""Facts with their sources, each held once: classes, sets of distortions, published numbers, people's answers."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.reference.classes import subset as subset
    from hardiness.reference.classes import wnid_indices, wnids
    from hardiness.reference.published_numbers import ZERO_SHOT as ZERO_SHOT
    from hardiness.reference.published_numbers import published_for as published_for
    from hardiness.reference.sets import distortion_set as distortion_set
    from hardiness.reference.sets import set_names as set_names
    from hardiness.reference.timm_results import TIMM_SETS as TIMM_SETS
    from hardiness.reference.timm_results import best_rows as best_rows
    from hardiness.reference.timm_results import timm_row as timm_row
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "wnid_indices",
    "wnids",
]
