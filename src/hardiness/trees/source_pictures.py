"""The photographs that a tree is made of, as its command takes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import ArgumentError, DataError
from hardiness.data.files import IMAGE_SUFFIXES
from hardiness.data.pictures import pictures_at
from hardiness.data.root import locate


@dataclass(frozen=True)
class SourcePictures:
    """The data of a source: ImageNet's where it names them, else any folder of pictures, or one picture."""

    source: str

    def has(self, name: str) -> bool:
        """Whether it holds that data set."""
        return locate([self.source]).has(name)

    def is_replaced_by_own(self, name: str) -> bool:
        """False: a folder of any pictures is taken as it lies."""
        return False

    def outside_sets(self) -> tuple[str, ...]:
        """An empty tuple: nothing is told from other things here."""
        return ()

    def dataset(self, name: str) -> DataSet:
        """The photographs."""
        if lies_as_it_is(self.source):
            return pictures_at(self.source)
        if self.source != "embedded" and "=" not in self.source and not os.path.lexists(self.source):
            raise DataError(f"SRC {self.source}: there is no such file or folder; check the path")
        return locate([self.source]).dataset(name)


def lies_as_it_is(source: str) -> bool:
    """Whether a source is any folder of pictures or one picture, and not what holds ImageNet."""
    path = Path(source)
    is_picture = path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES
    return is_picture or (path.is_dir() and not locate([source], own_serve=False).has("imagenet"))


@contextmanager
def named_as_source() -> Iterator[None]:
    """Let faults of data name the argument of these commands, which have no ``--data``."""
    try:
        yield
    except (ArgumentError, DataError) as error:
        raise type(error)(str(error).replace("--data ", "SRC ")) from None
