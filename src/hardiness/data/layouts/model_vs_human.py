"""The stimuli of model-vs-human: a folder for each set, as its archives unpack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import DataError, suggestion
from hardiness.data.files import FileEntry, Tree, fingerprint, passed_over
from hardiness.data.items import LabelledFile, items
from hardiness.data.root import LAYOUTS, Layout, Place
from hardiness.reference.categories import sixteen
from hardiness.reference.classes import wnids
from hardiness.reference.stimulus_sets import SETS, StimulusSet, stimulus_set

NAME = "model-vs-human"
FORM = f"{NAME}/<set>/dnn/session-1/*.png"
RULE = "<number>_<experiment>_dnn_<condition>_<category>_…, as in 0001_cop_dnn_c05_cat_10_n02123394_6521.png"


def read(place: Place) -> DataSet:
    """The stimuli of every set that is there; ids are ``<set>/<condition>/<file without suffix>``.

    Labels are the first class of the category: they give the order of ``--limit``, and answers are judged by
    `DataSet.categories`. A set's folder holds its stimuli at any depth; in ``edge``, ``silhouette`` and
    ``cue-conflict`` the folder that a stimulus lies in is its category, in the others its name says condition and
    category.

    Raises:
        DataError: no set is there, a name breaks the rule, or names no condition or category; the message names the
            file.
    """
    opened = place.contents()
    if not isinstance(opened, Tree):
        raise DataError(f"--data {place.argument}: must be a folder of sets of stimuli, but holds shards or tables")
    stimuli = [entry for entry in opened.images() if entry.path.partition("/")[0] in SETS]
    if not stimuli:
        raise DataError(
            f"--data {place.argument}: {opened.location} must hold a folder for each set of stimuli "
            f"({', '.join(SETS[:3])} …), but holds none; for one set alone name the folder that holds its folder"
        )
    return DataSet(
        name=NAME,
        items=items(_samples(stimuli)),
        num_classes=len(wnids()),
        fingerprint=fingerprint(stimuli, opened.stamp),
        location=place.location,
        remarks=passed_over(NAME, place.path, opened.unused(stimuli)),
        released=sum(stimulus_set(name).images for name in SETS),
        categories=sixteen(),
    )


def _samples(entries: list[FileEntry]) -> Iterator[LabelledFile]:
    categories = sixteen()
    for entry in entries:
        name, _, below = entry.path.partition("/")
        level, category = _condition_and_category(entry, stimulus_set(name))
        if category not in categories:
            raise DataError(f"{entry.file.name}: {category!r} is no category{suggestion(category, list(categories))}")
        yield LabelledFile(f"{name}/{level}", PurePosixPath(below).name, categories[category][0], entry.file)


def _condition_and_category(entry: FileEntry, stimuli: StimulusSet) -> tuple[str, str]:
    """The condition and the category of a stimulus.

    Source: the file names of model-vs-human, release v0.1, as its csv files repeat them.
    """
    path = PurePosixPath(entry.path)
    if not stimuli.named:
        return stimuli.levels[0].name, path.parent.name
    parts = path.stem.split("_")
    if len(parts) < 6:
        raise DataError(f"{entry.file.name}: must be named {RULE}; rename it or move it away")
    level = stimuli.level(parts[3])
    if level is None:
        names = ", ".join(condition.name for condition in stimuli.levels)
        raise DataError(f"{entry.file.name}: {parts[3]!r} is no condition of {stimuli.name}, which has {names}")
    return level.name, parts[4]


LAYOUTS.register(NAME, Layout(FORM, read), __name__)
