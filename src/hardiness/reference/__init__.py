"""Facts with their sources, each held once: classes, sets of distortions, published numbers, people's answers."""

from hardiness.reference.classes import Wording, class_name, subset, wnids, wording, wordings
from hardiness.reference.people import CueCounts, Humans, humans, read_set_trials, read_trials
from hardiness.reference.published_data import Recipe, recipes, recipes_of
from hardiness.reference.published_numbers import (
    Published,
    baseline,
    published,
    published_beside,
    published_for,
    published_interval,
    published_series,
    table,
)
from hardiness.reference.sets import DistortionSet, compared_with_first, distortion_set, read_set
from hardiness.reference.sets import names as set_names

IMAGENET_C = distortion_set("imagenet-c")
IMAGENET_P = distortion_set("imagenet-p")

__all__ = [
    "IMAGENET_C",
    "IMAGENET_P",
    "CueCounts",
    "DistortionSet",
    "Humans",
    "Published",
    "Recipe",
    "Wording",
    "baseline",
    "class_name",
    "compared_with_first",
    "distortion_set",
    "humans",
    "published",
    "published_beside",
    "published_for",
    "published_interval",
    "published_series",
    "read_set",
    "read_set_trials",
    "read_trials",
    "recipes",
    "recipes_of",
    "set_names",
    "subset",
    "table",
    "wnids",
    "wording",
    "wordings",
]
