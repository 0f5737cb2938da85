"""Sets whose labels are sets of classes: a folder each, in folders of conditions where the set has some."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from hardiness.core.benchmark import DataSet, Item
from hardiness.core.codes import DataRemark
from hardiness.core.errors import DataError, SampleError
from hardiness.core.fact import Fact
from hardiness.data.files import FileEntry, Tree, fingerprint, not_of_set, passed_over, stamp_of
from hardiness.data.items import LabelledFile, items
from hardiness.data.root import LAYOUTS, Layout, Place, Tables
from hardiness.reference.class_sets import CLASS_SETS, ClassSet, class_set
from hardiness.reference.classes import wnids
from hardiness.sources.files import shown
from hardiness.sources.tables import parquet_rows


def read(name: str, place: Place) -> DataSet:
    """The photographs of a set, wherever below the place its folders begin.

    Ids are ``<part>/<level>/<label>/<file without suffix>``, without the part where the set has one alone, and without
    the level where no table has it: the group before the file's name says which classes are right. `Item.label` is
    the first of them.

    Raises:
        DataError: nothing is there, or none of its folders is one of the set; the message names both.
    """
    kind = class_set(name)
    if place.labels is not None or place.classes is not None:
        raise DataError(f"--data {place.argument}: the folders of {name} say what its pictures show; leave options out")
    opened, remarks = place.contents(), list[Fact]()
    if isinstance(opened, Tables):
        samples, unused, question_tables = list(_rows(kind, place, opened)), [], []
        has_levels = any("/" in sample.group for sample in samples)
        digest = fingerprint((), *map(stamp_of, opened.files), *([kind.level] if has_levels else []))
    elif isinstance(opened, Tree) and kind.labels:
        used = [(entry, *pair) for entry in opened.images() if (pair := part_and_label(kind, entry))]
        if not used:
            raise DataError(_absent(kind, place, opened))
        levels = _levels(kind, opened, used)
        samples = [
            LabelledFile(
                "/".join(filter(None, (part, levels.get(entry.path, ""), label))),
                entry.path.rpartition("/")[2],
                kind.labels[label][0],
                entry.file,
            )
            for entry, part, label in used
        ]
        digest = fingerprint([entry for entry, _, _ in used], opened.stamp, *map(" ".join, levels.items()))
        tables = [entry for entry in opened.entries if entry.path.rpartition("/")[2] == kind.levels_table]
        question_tables = _question_tables(kind, opened)
        counted = {entry.path for entry, _, _ in used}
        others = [entry for entry in opened.images() if entry.path not in counted]
        unused = opened.unused([*tables, *question_tables, *(entry for entry, _, _ in used), *others])
        where = {"data": name, "location": place.path}
        if kind.levels_table and not levels:
            is_there = {"table": kind.levels_table, "is_there": bool(tables)}
            remarks.append(Fact(DataRemark.LACKS_LEVELS, where | is_there))
        if others:
            folders = list(dict.fromkeys(entry.path.rpartition("/")[0] or "." for entry in others))
            fact = not_of_set(name, place.path, "no part", folders)
            remarks.append(replace(fact, arguments={**fact.arguments, "images": len(others)}))
        present = {part for _, part, _ in used}
        if missing_parts := [part.folder for part in kind.parts if part.folder not in present]:
            parts = {"missing": tuple(missing_parts), "parts": len(kind.parts)}
            remarks.append(Fact(DataRemark.LACKS_PARTS, where | parts))
    else:
        what = "Parquet files with a label column" if not kind.labels else _form(kind)
        raise DataError(f"--data {place.argument}: must hold {what}, as {name} does")
    listed = items(samples)
    questions = _questions(kind, question_tables, listed)
    names = sorted({name for both in questions.values() for name in both})
    return DataSet(
        name=name,
        items=listed,
        num_classes=len(wnids()),
        fingerprint=digest,
        location=place.location,
        remarks=(*remarks, *passed_over(name, place.path, unused)),
        released=kind.images or None,
        questions=questions,
        choices={name: kind.labels[kind.label_of(name)] for name in names},
        question_tables=f"{kind.questions}/*.csv" if kind.questions else "",
    )


def part_and_label(described: ClassSet, entry: FileEntry) -> tuple[str, str] | None:
    """The part and the label that a file's folders name; ``None`` where they name none."""
    folders = entry.path.split("/")[:-1]
    if not folders or folders[-1] not in described.labels:
        return None
    above = "/".join(folders[:-1])
    if not described.parts:
        return "", folders[-1]
    for part in described.parts:
        if above == part.folder or f"/{above}".endswith("/".join(("", *filter(None, (described.top, part.folder))))):
            return part.folder, folders[-1]
    return None


def _levels(described: ClassSet, tree: Tree, used: Sequence[tuple[FileEntry, str, str]]) -> Mapping[str, str]:
    """The level of each photograph, by its path, in the set's table; none where the table is not there.

    The table may name a file from any folder above it on, or by its name alone where no other has that name.

    Raises:
        DataError: the table cannot be read, or lacks a column.
    """
    tables = [entry for entry in tree.entries if entry.path.rpartition("/")[2] == described.levels_table]
    by_end: dict[str, dict[str, str]] = {}
    by_name: dict[str, list[dict[str, str]]] = {}
    for entry in tables:
        try:
            lines = csv.DictReader(io.StringIO(entry.file.read().decode("utf-8-sig"), newline=""), restval="")
            if missing := {*described.levels.values(), "filename"} - set(lines.fieldnames or ()):
                raise DataError(f"{entry.file.name}: must have a column {min(missing)}; fetch it again")
            for row in lines:
                parts = row["filename"].replace("\\", "/").split("/")
                by_end["/".join(parts[-3:])] = row
                by_name.setdefault(parts[-1], []).append(row)
        except (UnicodeDecodeError, csv.Error, SampleError) as error:
            raise DataError(f"{entry.file.name}: must be a csv in UTF-8, but is not ({error})") from None
    levels = {}
    for entry, part, label in used if tables else ():
        name = entry.path.rpartition("/")[2]
        rows = by_name.get(name, [])
        row = by_end.get(f"{part}/{label}/{name}") or (rows[0] if len(rows) == 1 else {})
        if level := row.get(described.levels.get(part, ""), "").strip():
            levels[entry.path] = level.replace("/", "-")
    return levels


QUESTION_COLUMNS = ("image_dir", "gt_category", "top1_pred_cate", "top2_pred_cate")
"""Columns of a table of questions: ``<part>/<label>/<file>``, its category, and a network's first and second guess.

Source: Zhang et al. (2024), arXiv:2403.18775, ``LLaVA/llava/serve/eval_imagenet_d.py``.
"""


def _question_tables(kind: ClassSet, tree: Tree) -> list[FileEntry]:
    """The tables of a set's questions, wherever its folders begin."""
    end = f"/{kind.questions}/"
    return [
        entry
        for entry in tree.entries
        if kind.questions and entry.path.endswith(".csv") and f"/{entry.path}".rpartition("/")[0].endswith(end[:-1])
    ]


def _questions(described: ClassSet, tables: Sequence[FileEntry], listed: Sequence[Item]) -> dict[str, tuple[str, str]]:
    """The category of each picture by its id, and the one it is taken for: the first of two guesses that is wrong.

    Raises:
        DataError: a table cannot be read, lacks a column, or a row does not name two labels; the message names both.
    """
    ids, questions = {item.id for item in listed}, {}
    for entry in tables:
        try:
            lines = csv.DictReader(io.StringIO(entry.file.read().decode("utf-8-sig"), newline=""), delimiter="\t")
            if missing := [name for name in QUESTION_COLUMNS if name not in (lines.fieldnames or ())]:
                raise DataError(f"{entry.file.name}: must have a column {missing[0]}, between tabs; fetch it again")
            for row in lines:
                path, right, *guesses = ((row[name] or "").strip() for name in QUESTION_COLUMNS)
                folders = path.split("/")[:-1]
                wrong = next((guess for guess in guesses if described.label_of(guess) != described.label_of(right)), "")
                if described.label_of(right) not in folders[-1:] or not described.label_of(wrong):
                    raise DataError(
                        f"{entry.file.name}: the row of {shown(path)} must name its folder's label and another one of "
                        f"{described.classes_of}, names {shown(right)!r} and {shown(wrong)!r}; fetch it again"
                    )
                id_ = path if path in ids else path.rpartition(".")[0]
                if id_ in ids:
                    questions[id_] = right, wrong
        except (UnicodeDecodeError, csv.Error, SampleError) as error:
            raise DataError(f"{entry.file.name}: must be a table in UTF-8, but is not ({error})") from None
    return questions


def _rows(described: ClassSet, place: Place, tables: Tables) -> Iterator[LabelledFile]:
    """The pictures of Parquet files whose label column holds class indices, one or a list of them."""
    if described.labels:
        raise DataError(f"--data {place.argument}: must hold {_form(described)}, but holds Parquet files")
    for file in tables.files:
        for row in parquet_rows(file, described.levels.get("", "")):
            indices = _indices(row.label)
            if not indices:
                least = f"class indices from 0 to {len(wnids()) - 1}"
                raise DataError(f"{row.image.name}: its label must be {least}, was {shown(row.label)!r}")
            path = row.name if len(tables.files) == 1 else f"{file.stem}/{row.name}"
            group = "/".join(filter(None, (row.beside.strip().replace("/", "-"), "+".join(map(str, indices)))))
            yield LabelledFile(group, path.replace("/", "-"), indices[0], row.image)


def _indices(text: str) -> Sequence[int]:
    """The class indices in a label: a number, or a list of them; those of padding (-1) are left out."""
    try:
        value = json.loads(text)
    except ValueError:
        return ()
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(index, int) and -1 <= index < len(wnids()) for index in listed):
        return ()
    return sorted({index for index in listed if index >= 0})


def _form(described: ClassSet) -> str:
    parts = f"{described.parts[0].folder}/" if described.parts else ""
    return f"folders such as {parts}{next(iter(described.labels))} ({described.classes_of})"


def _absent(described: ClassSet, place: Place, tree: Tree) -> str:
    inside = ", ".join(map(shown, tree.folders[:3])) or "no folder"
    return f"--data {place.argument}: {tree.location} must hold {_form(described)}, but holds {inside}; check the path"


for _name in CLASS_SETS:
    LAYOUTS.register(_name, Layout(f"{_name}/**/*", partial(read, _name)), __name__)
