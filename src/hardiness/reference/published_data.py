"""Published data sets: addresses, sizes, layouts and licences."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from hardiness.core.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One archive of a data set.

    Attributes:
        name: of the file.
        urls: addresses of the same bytes, best first; empty where an account is needed.
        part: what it is called on the command line; empty where the data set is one file.
        size: bytes; ``None`` where nobody states them.
        about_gb: gigabytes, rounded, as its page says, where `size` is not known.
        sha256, md5: hexadecimal, of the whole file; empty where nobody states one.
        strip: the folder inside it whose content is the data set's.
        folder: where it goes, where that is not the data set's folder.
        holds: the top folders that it brings, where they are known.
        password: of an encrypted zip, as it is published; empty where it is not encrypted.
    """

    name: str
    urls: tuple[str, ...] = ()
    part: str = ""
    size: int | None = None
    about_gb: float | None = None
    sha256: str = ""
    md5: str = ""
    strip: str = ""
    folder: str = ""
    holds: tuple[str, ...] = ()
    password: str = ""

    @property
    def checksum(self) -> str:
        """The best checksum that is published, as ``sha256:…`` or ``md5:…``; empty where there is none."""
        if self.sha256:
            return f"sha256:{self.sha256}"
        return f"md5:{self.md5}" if self.md5 else ""

    @property
    def about_bytes(self) -> int | None:
        """Its size, exact or rounded; ``None`` where nobody states one."""
        return self.size if self.size is not None else int(self.about_gb * 1e9) if self.about_gb else None


@dataclass(frozen=True, slots=True)
class PublishedSet:
    """One data set.

    Attributes:
        name: as on the command line.
        title: what it is, in one line.
        licence: of the pictures.
        home: its page.
        images: how many photographs it has; in each condition, where there are conditions. 0 where nobody says.
        read: how many of them are read, where some are left out; 0 for all.
        classes: how many classes; 0 where nobody says.
        folder: its place below a data root.
        layout: ``wnid``, ``index``, ``corruption``, ``perturbation``, ``cue-conflict``, ``class-set``, ``arrays`` or
            ``folders``.
        source: where these facts are from.
        seen: the day on which they were seen, as ``2026-11-25``.
        files: its archives.
        whole: the parts that one gets where none are named; all where empty.
        subset: the class subset in `hardiness.reference.classes`; empty for all 1,000.
        side_px: width and height that each picture must have; 0 where they vary.
        account: how to get it, where an account is needed.
        by_hand: how to get it, where it lies at no address that a command can fetch.
        about_gb: gigabytes, rounded, as its page says, where it has no archives.
        terms: what one must agree to before it is fetched; empty where there is nothing.
        per_class: images of each class, in each condition; 0 where that varies.
        jpeg_quality: of the pictures' JPEG; 0 where it varies.
        frames: of each video; 0 where there are none.
        frames_of: those of the perturbations that have another number.
    """

    name: str
    title: str
    licence: str
    home: str
    folder: str
    layout: str
    source: str
    seen: str
    images: int = 0
    read: int = 0
    classes: int = 0
    files: tuple[PublishedFile, ...] = field(default=())
    whole: tuple[str, ...] = ()
    subset: str = ""
    side_px: int = 0
    account: str = ""
    by_hand: str = ""
    about_gb: float = 0.0
    terms: str = ""
    per_class: int = 0
    jpeg_quality: int = 0
    frames: int = 0
    frames_of: Mapping[str, int] = field(default_factory=dict)

    @property
    def about_bytes(self) -> int | None:
        """The size of what one gets where no part is named, exact or rounded; ``None`` where nobody states one."""
        sizes = [file.about_bytes for file in self.chosen(())]
        stated = sum(filter(None, sizes)) if sizes and all(sizes) else int(self.about_gb * 1e9)
        return stated or None

    @property
    def advice(self) -> str:
        """How to get it, where `hardiness data get` cannot; empty where it can."""
        return self.account or self.by_hand

    def chosen(self, parts: tuple[str, ...]) -> tuple[PublishedFile, ...]:
        """The archives of these parts, in their order; the usual ones where none are named.

        Raises:
            UnknownNameError: a part is not one of this data set.
        """
        by_part = {file.part: file for file in self.files}
        for part in parts:
            if not part or part not in by_part:
                raise UnknownNameError(f"part of {self.name}", part, [name for name in by_part if name])
        names = parts or self.whole or tuple(by_part)
        return tuple(by_part[part] for part in dict.fromkeys(names))


def datasets() -> list[str]:
    """The names of all published data sets that are known, in the order of the file."""
    return list(_read())


def published_set(name: str) -> PublishedSet:
    """The facts of one data set.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in _read():
        raise UnknownNameError("data set", name, _read())
    return _read()[name]


@cache
def _read() -> dict[str, PublishedSet]:
    tables = tomllib.loads(Path(__file__).with_name("datasets.toml").read_text("utf-8"))
    day = str(tables.pop("seen"))
    return {name: _set(name, day, facts) for name, facts in tables.items()}


def _set(name: str, day: str, facts: Mapping[str, Any]) -> PublishedSet:
    whole = tuple(facts.get("whole", ()))
    archives = [_file(row) for row in facts.get("files", ())]
    if "template" in facts:
        archives += [_file(_filled(facts["template"], part), part) for part in whole]
    plain_fields = {attribute.name for attribute in fields(PublishedSet)} - {"name", "seen", "files", "whole"}
    plain = {key: value for key, value in facts.items() if key in plain_fields}
    return PublishedSet(name=name, seen=day, files=tuple(archives), whole=whole, **plain)


def _file(facts: Mapping[str, Any], part: str = "") -> PublishedFile:
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    plain.setdefault("part", part)
    return PublishedFile(**plain)


def _filled(template: Mapping[str, Any], part: str) -> dict[str, Any]:
    def fill(value: Any) -> Any:
        return [fill(item) for item in value] if isinstance(value, list) else value.format(part=part)

    return {key: fill(value) for key, value in template.items()}
