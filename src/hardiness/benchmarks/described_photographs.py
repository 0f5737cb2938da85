"""Labelled photographs as a benchmark that a TOML file describes: the question, the labels, published numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, final

from hardiness.benchmarks.options import reads, registry
from hardiness.benchmarks.photographs import CalibratedPhotographs
from hardiness.core.benchmark import GROUPS, Benchmark, DataSet
from hardiness.core.errors import ArgumentError, DataError, suggestion
from hardiness.data.photographs import PhotographSet
from hardiness.data.root import LAYOUTS, Layout, Place
from hardiness.reference.classes import wnid_indices
from hardiness.reference.published_tables import PublishedTable
from hardiness.reference.published_tables import registry as published_tables

KIND = "photographs"
CLASSES = ("imagenet", "own")
NEEDED = ("kind", "question", "about")
FURTHER = ("paper", "protocol", "source", "labels", "classes", "topic", "published")
PUBLISHED = ("source", "models", "n")
"""Keys of the table of published numbers."""


@dataclass(frozen=True)
class PhotographDescription:
    """The description of a benchmark of labelled photographs in a TOML file, whose data set is called as it is.

    Attributes:
        name: of the file, and so of the benchmark and its data set.
        question: what it answers, in one sentence.
        about: what it does, as its help text tells it.
        paper: citation with identifier.
        protocol: name of the rules that it follows; by default the benchmark's.
        source: where the pictures are from.
        labels: csv of ``path,label`` beside the pictures; empty where each class has a folder.
        classes: ``imagenet``, or ``own`` where labels are names of the data's own classes.
        topic: the group of the page's overview that it stands in.
        published: numbers of models by name, each by the metric's name; fractions of 1.
        published_source: where they stand.
        published_n: pictures that they were measured on; 0 where nobody says.
    """

    name: str
    question: str
    about: str
    paper: str = "none"
    protocol: str = ""
    source: str = "none"
    labels: str = ""
    classes: str = "imagenet"
    topic: str = ""
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    published_source: str = ""
    published_n: int = 0


class DescribedPhotographs(CalibratedPhotographs):
    """The base of benchmarks that a TOML file describes.

    Class attributes:
        description: what the file says.
    """

    description: ClassVar[PhotographDescription]

    def __reduce__(self) -> tuple[Callable[[PhotographDescription], Benchmark], tuple[PhotographDescription]]:
        """By the description: no module has a class that is made of a file, and another process makes its own."""
        return _of_description, (self.description,)


@reads(KIND)
def photograph_benchmark(file: Path) -> type[DescribedPhotographs]:
    """The benchmark that a TOML file describes; its data set and its published numbers are registered with it.

    Raises:
        DataError: something is missing or of no known kind; the message says what.
        ArgumentError: the name is another data set's, or a published number is no fraction.
    """
    return _made(read_description(file), str(file.resolve()))


def read_description(file: Path) -> PhotographDescription:
    """Read the description of a benchmark of labelled photographs from a TOML file.

    Raises:
        DataError: something is missing or of no known kind; the message says what.
    """
    content: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    keys = sorted((*NEEDED, *FURTHER))
    if unknown := sorted(content.keys() - {*keys}):
        raise DataError(f"{file}: a benchmark of photographs has no {unknown[0]!r}{suggestion(unknown[0], keys)}")
    if lacking := [key for key in NEEDED if key not in content]:
        raise DataError(f"{file}: a benchmark of photographs must say {lacking[0]}, but does not; add it")
    if content.get("classes", CLASSES[0]) not in CLASSES:
        raise DataError(f"{file}: classes must be one of {', '.join(CLASSES)}, was {content['classes']!r}")
    if content.get("topic", GROUPS[0]) not in GROUPS:
        raise DataError(f"{file}: topic must be one of {', '.join(GROUPS)}, was {content['topic']!r}")
    published = content.pop("published", {})
    if unknown := sorted(published.keys() - {*PUBLISHED}):
        raise DataError(f"{file}: [published] has no {unknown[0]!r}{suggestion(unknown[0], PUBLISHED)}")
    if not _is_table_of_numbers(published.get("models", {})):
        raise DataError(
            f"{file}: models of [published] must have a table of numbers each, as in ResNet-50 = {{top1 = 0.6}}"
        )
    if published and (lacking := [key for key in PUBLISHED[:2] if key not in published]):
        raise DataError(f"{file}: [published] must say {lacking[0]}, but does not; add it")
    texts = {key: value for key, value in content.items() if key != "kind"}
    if wrong := next((key for key, value in texts.items() if not isinstance(value, str)), None):
        raise DataError(f"{file}: {wrong} must be text, was {texts[wrong]!r}")
    return PhotographDescription(
        name=file.name.removesuffix(".toml"),
        published=published.get("models", {}),
        published_source=published.get("source", ""),
        published_n=published.get("n", 0),
        **texts,
    )


def _is_table_of_numbers(models: Any) -> bool:
    tables = models.values() if isinstance(models, dict) else [None]
    return all(isinstance(each, dict) and all(isinstance(n, int | float) for n in each.values()) for each in tables)


def _made(description: PhotographDescription, where: str) -> type[DescribedPhotographs]:
    name = description.name
    if LAYOUTS.ships(name):
        raise ArgumentError(f"{where}: {name!r} is a data set that ships; call the file otherwise")
    form = description.labels or "<class>/*"
    LAYOUTS.register(name, Layout(f"{name}/{form}", partial(_read, description)), where)
    if description.published:
        table = PublishedTable(name, description.published_source, description.published, n=description.published_n)
        published_tables.register(name, table, where)
    attributes: dict[str, Any] = {
        "__doc__": f"{description.about.strip()}\n\nSource: {description.source}",
        "__module__": __name__,
        "name": name,
        "question": description.question,
        "paper": description.paper,
        "protocol": description.protocol or name,
        "needs": (name,),
        "group": description.topic,
        "description": description,
    }
    title = "".join(word.capitalize() for word in name.split("-"))
    return final(make_dataclass(title, [], bases=(DescribedPhotographs,), namespace=attributes, frozen=True))


def _read(description: PhotographDescription, place: Place) -> DataSet:
    """The data set at a place; ``--data NAME=FOLDER:labels=FILE.csv`` names another csv."""
    labels = place.labels or (Path(place.path, description.labels) if description.labels else None)
    if description.classes == "imagenet":
        photographs = PhotographSet(description.name, wnid_indices, "the 1,000 ImageNet wnids")
        return photographs.read(replace(place, labels=labels))
    classes = place.classes or ("names" if labels else "folders")
    own = PhotographSet(description.name, dict, "", own_classes=True)
    return replace(own.read(replace(place, labels=labels, classes=classes)), name=description.name)


def _of_description(description: PhotographDescription) -> Benchmark:
    kind = registry.find(description.name)
    if kind is None or getattr(kind, "description", None) != description:  # registered in the first process alone
        kind = _made(description, __name__.replace("hardiness", "described"))
    return kind()
