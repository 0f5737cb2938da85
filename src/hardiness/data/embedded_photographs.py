"""The photographs that come with ordinary packages."""

from __future__ import annotations

import hashlib
import json

from hardiness.core.benchmark import DataSet
from hardiness.core.model import IMAGENET_CLASSES
from hardiness.core.run import DataIdentity
from hardiness.data.items import LabelledFile, items
from hardiness.reference.files import reference_file
from hardiness.sources.files import DiskFile
from hardiness.sources.packages import installed_file

NAME = DataIdentity.EMBEDDED


def embedded() -> DataSet:
    """The photographs, read in place; labels are ImageNet's class indices.

    Raises:
        DataError: a package is not installed or holds another file; the message says what to install.

    Source: ai-benchmark 0.1.2 and foolbox 3.3.4 (see ``SOURCES.md``).
    """
    listed = json.loads(reference_file("embedded_photographs.json").read_text("utf-8"))["photographs"]
    samples = [
        LabelledFile(
            photo["wnid"],
            photo["path"].rsplit("/", 1)[-1],
            photo["index"],
            DiskFile(str(installed_file(photo["package"], photo["path"], photo["sha256"]))),
        )
        for photo in listed
    ]
    contents = "".join(f"{photo['wnid']} {photo['sha256']}\n" for photo in listed)
    fingerprint = hashlib.sha256(contents.encode()).hexdigest()
    return DataSet(NAME, items(samples), IMAGENET_CLASSES, fingerprint, "packages ai-benchmark and foolbox")
