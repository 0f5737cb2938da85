"""The 99 photographs that lie inside published packages: few and easy, for a demonstration, not a benchmark."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files

from hardiness.core import DataSet
from hardiness.data.items import LabelledFile, items
from hardiness.sources import DiskFile
from hardiness.sources.packages import locate

NAME = "embedded"


def embedded() -> DataSet:
    """The photographs, read in place; labels are ImageNet's class indices.

    Raises:
        DataError: a package is not installed or holds another file; the message says what to install.

    Source: ai-benchmark 0.1.2 and foolbox 3.3.4 (see ``SOURCES.md``).
    """
    listed = json.loads(files("hardiness.reference").joinpath("embedded_photographs.json").read_text("utf-8"))[
        "photographs"
    ]
    samples = [
        LabelledFile(
            photo["wnid"],
            photo["path"].rsplit("/", 1)[-1],
            photo["index"],
            DiskFile(str(locate(photo["package"], photo["path"], photo["sha256"]))),
        )
        for photo in listed
    ]
    contents = "".join(f"{photo['wnid']} {photo['sha256']}\n" for photo in listed)
    fingerprint = hashlib.sha256(contents.encode()).hexdigest()
    return DataSet(NAME, items(samples), 1000, fingerprint, "packages ai-benchmark and foolbox")
