"""Samples in WebDataset shards: images in a tar, with their labels beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from hardiness.core.errors import DataError, SampleError
from hardiness.sources.files import TarMember, shown

_SHARD_IMAGES = frozenset(("jpg", "jpeg", "png", "webp"))

_SHARD_LABELS = frozenset(("cls", "json"))

_LABEL_BYTES = 1 << 20

_PROBED = 100
"""Members by which a shard is told from a tree."""


class LabelledMember(NamedTuple):
    """One sample of a shard: its key within the shard, its image and the class index stored beside it."""

    key: str
    image: TarMember
    label: int


def is_shard(files: Sequence[TarMember], images: frozenset[str] = _SHARD_IMAGES) -> bool:
    """Whether the members of a tar are WebDataset samples: images with their labels in files of the same name."""
    kinds: dict[str, set[str]] = {}
    for file in files[:_PROBED]:
        key, extension = _split(file.member)
        kinds.setdefault(key, set()).add(extension)
    return any(
        extensions & _SHARD_LABELS and (extensions & images or "cls" in extensions) for extensions in kinds.values()
    )


def webdataset_samples(files: Sequence[TarMember], kinds: frozenset[str] = _SHARD_IMAGES) -> tuple[LabelledMember, ...]:
    """The samples of one WebDataset shard.

    A sample is the members that share a name up to the first dot: an image (jpg, jpeg, png, webp) and its class
    index, as text in ``.cls`` or under ``"label"`` or ``"cls"`` in ``.json``; other members are ignored.

    Args:
        files: the members of the shard.
        kinds: lower-case extensions, without the dot, of what is labelled.

    Raises:
        DataError: an image without a label, a label without an image, a label that is no whole number, two images
            under one key, or labels that disagree.

    Source: the WebDataset convention.
    """
    images: dict[str, TarMember] = {}
    texts: dict[str, TarMember] = {}
    documents: dict[str, TarMember] = {}
    for file in files:
        key, extension = _split(file.member)
        parts = images if extension in kinds else {"cls": texts, "json": documents}.get(extension)
        if parts is None:
            continue
        if key in parts:
            raise DataError(f"{file.name}: has the key of {shown(parts[key].member)}; a key must be of one sample")
        parts[key] = file
    labels = {**documents, **texts}
    for key in images.keys() ^ labels.keys():
        present, missing = (
            (images, "a label (.cls or .json)") if key in images else (labels, "an image (.jpg, .png, .webp)")
        )
        raise DataError(f"{present[key].name}: must have {missing} of the same name beside it in the shard; add it")
    return tuple(
        LabelledMember(key, image, _label_of(texts.get(key), documents.get(key))) for key, image in images.items()
    )


def _split(member: str) -> tuple[str, str]:
    folder, slash, name = member.removeprefix("./").rpartition("/")
    stem, _, extension = name.partition(".")
    return folder + slash + stem, extension.lower()


def _label_of(text: TarMember | None, document: TarMember | None) -> int:
    """The label in ``.cls``, in ``.json`` or, the same, in both; a ``.json`` beside a ``.cls`` may say nothing."""
    document_label = _label_in_document(document, text is not None) if document else None
    if text is None:
        assert document_label is not None  # it had to say something
        return document_label
    label = _index(text, _read_text(text))
    if document and document_label is not None and document_label != label:
        raise DataError(f"{text.name}: says {label}, but {shown(document.member)} says {document_label}; correct one")
    return label


def _label_in_document(file: TarMember, may_lack: bool) -> int | None:
    try:
        fields = json.loads(_read_text(file))
        value = fields["label"] if "label" in fields else fields["cls"]
    except (KeyError, TypeError):
        if may_lack:
            return None
        raise _no_index(file) from None
    except (ValueError, RecursionError):
        raise _no_index(file) from None
    return _index(file, str(value))


def _read_text(file: TarMember) -> str:
    if file.size > _LABEL_BYTES:
        raise DataError(f"{file.name}: must be a label, but has {file.size:,} bytes")
    try:
        return file.read().decode()
    except SampleError as error:
        raise DataError(str(error)) from None
    except UnicodeDecodeError:
        raise _no_index(file) from None


def _index(file: TarMember, text: str) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text):  # int() takes 1_0 and digits of other scripts too
        raise _no_index(file)
    return int(text)


def _no_index(file: TarMember) -> DataError:
    return DataError(
        f"{file.name}: must hold a class index (a whole number; in json under 'label' or 'cls'), but does not"
    )
