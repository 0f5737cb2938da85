"""What to know of pictures, of their files and columns, and of output folders, in words."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.codes import DataRemark, FolderRemark
from hardiness.core.columns import no_line_text
from hardiness.core.fact import Fact
from hardiness.report.words import Words, plain, says, text
from hardiness.sources.files import shown

plain(DataRemark.ROUNDED, "{data}: the floats of {pictures:,} pictures are rounded to the 256 steps of 8 bits")
plain(
    DataRemark.LOST_DIGITS,
    "{source}: {column} has numbers such as 1.2E+17, of which another program dropped digits: identifiers may have "
    "become one",
    "write them as text",
)


def _names(examples: Sequence[str], count: int) -> str:
    """A few names, with an ellipsis where there are more."""
    return ", ".join(map(shown, examples)) + (" …" if count > len(examples) else "")


@says(DataRemark.FEWER_IMAGES)
def fewer_images(fact: Fact, data: str, location: str, before: int, now: int, run: str) -> Words:
    """As of the remark."""
    told = f"{data} at {location}: {before - now:,} of {before:,} images are gone since an earlier run ({run})"
    return f"{told}: {before:,} images then, {now:,} now"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


_PLACES = {"": "", "unnamed": " that the csv does not name", "outside": " outside the folders"}


@says(DataRemark.PASSED_OVER)
def passed_over(
    fact: Fact,
    data: str,
    location: str,
    reason: str,
    count: int,
    examples: Sequence[str],
    kinds: Sequence[tuple[int, str, str]] = (),
    images: int = 0,
) -> Words:
    """As of the remark."""
    place, named, is_are = f"{data} at {location}", _names(examples, count), "is" if count == 1 else "are"
    if reason == "no part":
        return f"{place}: images left out, being no part of the benchmark: {images:,}, in {named}"
    if reason == "hidden":
        advice = "rename it if it is a class"
        return f"{place}: passed over {named}: what begins with a dot is hidden", advice
    if reason == "no image":
        it = "it" if count == 1 else "them"
        return f"{place}: {_count(count, 'folder')} {is_are} without an image ({named})", f"fill or remove {it}"
    listed = ", ".join(
        f"{number:,} {(shown(suffix) if suffix else 'without a suffix') + _PLACES[where]}"
        for number, suffix, where in kinds
    )
    told = f"{place}: {_count(count, 'file')} {is_are} passed over ({listed}; for example {named}): they are no samples"
    return told, "convert or move those that should be evaluated"


@says(DataRemark.LACKS_PARTS)
def lacks_parts(fact: Fact, data: str, location: str, missing: Sequence[str], parts: int) -> Words:
    """As of the remark."""
    named = _names(missing[:3], len(missing))
    return f"{data} at {location}: {len(missing)} of its {parts} parts are not there ({named})"


@says(DataRemark.LACKS_LEVELS)
def lacks_levels(fact: Fact, data: str, location: str, table: str, is_there: bool) -> Words:
    """As of the remark."""
    what = "names none of its pictures" if is_there else "is not there"
    return f"{data} at {location}: {table} {what}: accuracy has no levels of factors", "fetch it again"


@says(DataRemark.FEW_IMAGES)
def few_images(fact: Fact, location: str, cell: str, images: int, expected: int, cells: int) -> Words:
    """As of the remark."""
    if cells == 1:
        return f"{location}/{cell} holds {images:,} of {expected:,} images; the rest count as failed"
    return (
        f"{cells} folders of {location} hold fewer than {expected:,} images (the fewest, {images:,}, {cell}); the rest "
        "count as failed"
    )


@says(DataRemark.UNREADABLE)
def unreadable(fact: Fact, file: str, line: str) -> Words:
    """As of the remark."""
    if line.startswith(file):
        return f"{line}: left out"
    return f"{file} cannot be read and is left out ({line})", "fetch it again"


@says(DataRemark.ABSENT_CONDITIONS)
def absent_conditions(fact: Fact, cells: Sequence[str], partial: str, location: str = "", line: str = "") -> Words:
    """As of the remark."""
    if not location:
        is_are = "is" if len(cells) == 1 else "are"
        return f"{', '.join(cells)} {is_are} not evaluated, {partial} is partial: {line}"
    told = f"{location} has no {', '.join(cells)}: not evaluated"
    if partial:
        return f"{told}, so {partial} is partial"
    return told, "with source=generated it is made from the photographs"


@says(DataRemark.LACKS_DATA)
def lacks_data(
    fact: Fact, sets: Sequence[str] = (), needs_all: bool = False, needs: str = "", benchmark: str = ""
) -> Words:
    """As of the remark."""
    if needs == "classes":
        return "it needs ImageNet's own classes"
    if needs == "choice":
        return f"--data has {' and '.join(sets)}: say which, as in {benchmark}:pictures={sets[0]}"
    if needs == "scores":
        return "it needs a file of scores: --predictions FILE"
    return f"no data set {(', ' if needs_all else ' or ').join(sets)} in --data"


_PARTS = {
    "shuffle": "its loader shuffles; pictures are taken in the data set's order, each once",
    "collate_fn": "its loader's collate_fn is not called; what it does to pictures is left out",
    "transform": "its transform is not called; the network's own view stands for it",
}


@says(DataRemark.NOT_CALLED)
def not_called(fact: Fact, data: str, part: str) -> Words:
    """As of the remark."""
    return f"{data}: {_PARTS[part]}"


@says(DataRemark.SIZES)
def sizes(
    fact: Fact, data: str, sizes: int, smallest: tuple[int, int], largest: tuple[int, int], is_resized: bool
) -> Words:
    """As of the remark; sizes are widths and heights."""
    ends = f"{smallest[0]}x{smallest[1]} to {largest[0]}x{largest[1]}"
    resized = "; each is resized and cropped by the view" if is_resized else ""
    return f"{data}: pictures are of {sizes} sizes, {ends}{resized}"


@says(DataRemark.SMALL)
def small(fact: Fact, data: str, px: int, strengths: str) -> Words:
    """As of the remark; `px` is 0 where they are not small, `strengths` empty where nothing is corrupted."""
    corrupted = f"are corrupted at their own size, with the strengths of {strengths}"
    if not px:
        return f"{data}: its pictures {corrupted}"
    return (
        f"{data}: its pictures are small ({px} px) and {corrupted if strengths else 'are shown at their own size'}",
        "a network that was trained on larger ones states resize_px= and crop_px=",
    )


@says(DataRemark.RESIZED)
def resized(fact: Fact, data: str, px: int, input_px: int, interpolation: str, models: Sequence[str]) -> Words:
    """As of the remark."""
    whom = ", ".join(models)
    return (
        f"{data}: its pictures are resized ({px} px, {interpolation} to {input_px} px) for {whom}, which takes or "
        "states that size"
    )


@says(DataRemark.ENLARGED)
def enlarged(
    fact: Fact,
    data: str,
    px: float,
    resize_px: int,
    crop_px: int,
    times: float = 0.0,
    models: Sequence[str] = (),
    benchmark: str = "",
) -> Words:
    """As of the remark; `px` is the side of square pictures, or the median of the shorter ones."""
    if not times:
        return (
            f"{data}: pictures of {px} px are enlarged to {resize_px} px and cropped again, as the view says; a view "
            f"with resize_px={px} shows them as they are"
        )
    cut = f" and cropped to {crop_px}" if crop_px < resize_px else ""
    whom = "every model" if benchmark else ", ".join(models)
    told = (
        f"{data}: its pictures have {px:.0f} px on the shorter side (median) and are enlarged {times:.1f} times for "
        f"{whom}, to {resize_px}{cut}"
    )
    if benchmark:
        return f"{told}; {benchmark} is defined on its canvas, for larger pictures"
    return told, "where it was trained on such pictures as they are, state resize_px= and crop_px= of its training"


@says(DataRemark.CLASS_ORDER)
def class_order(
    fact: Fact, data: str, order: str, model: str, is_folder: bool, classes: int, first: Sequence[str], last: str
) -> Words:
    """As of the remark."""
    names = ", ".join(f"{output} {name}" for output, name in enumerate(first))
    names += f" … {classes - 1} {last}" if classes > len(first) else ""
    another = ":classes=FILE behind the folder" if is_folder else "data=(images, labels, names)"
    why = {
        "model": f"as {model} itself names them",
        "alphabet": f"in alphabetical order; another is given with {another}",
        "data": "as classes=FILE lists them" if is_folder else "in the order that the data give them",
    }
    return f"{data}: outputs are taken for the classes {why[order]}: {shown(names)}"


@says(DataRemark.HAS_COLUMNS)
def has_columns(fact: Fact, data: str, columns: Sequence[str], source: str) -> Words:
    """As of the remark."""
    return f"{data}: columns of its pictures: {', '.join(columns)} ({source})"


@says(DataRemark.COLUMN_LEFT_OUT)
def column_left_out(fact: Fact, source: str, reason: str, columns: Sequence[str]) -> Words:
    """As of the remark."""
    place, named = shown(source), ", ".join(map(shown, columns))
    is_are = "is" if len(columns) == 1 else "are"
    if reason == "unnamed":
        told = f"{place}: what stands behind path and label has no name and counts for nothing"
        return told, "add a first line such as path,label,site"
    if reason == "twice":
        return f"{place}: has {len(columns)} columns called {shown(columns[0])}, which are left out", "rename them"
    if reason == "long":
        return f"{place}: {named} {is_are} left out, because of texts of more than 200 characters"
    if reason == "no cells":
        return f"{place}: {named} {is_are} left out, because cells hold neither text nor numbers"
    told = f"{place}: {named} {is_are} left out, because a picture has other cells there under other conditions"
    return told, "in a file of scores conditions= names columns that are a part of the condition"


@says(DataRemark.TABLE_LINES)
def table_lines(
    fact: Fact,
    source: str,
    reason: str,
    count: int,
    lines: int,
    examples: Sequence[str],
    pictures: int = 0,
    names: Sequence[str] = (),
) -> Words:
    """As of the remark."""
    some = ", ".join(examples) + (", …" if count > len(examples) else "")
    of = f"{source}: {_count(count, 'line')} of {lines:,}"
    if reason == "none":
        return no_line_text(source, lines, examples, pictures, names)
    if reason == "no path":
        return f"{of} {'is' if count == 1 else 'are'} without a path, and left out"
    if reason == "repeated":
        has = "picture has" if count == 1 else "pictures have"
        return f"{source}: {count:,} {has} several lines ({', '.join(examples)} …), which agree"
    if reason == "unclear":
        told = f"{of} may be of several pictures, or share one, and count for none ({some})"
        return told, "write paths below the folder of the pictures"
    return f"{of} {'is' if count == 1 else 'are'} of no picture here ({some})"


@says(DataRemark.EMPTY_CELLS)
def empty_cells(
    fact: Fact,
    source: str,
    pictures: int,
    without_line: int = 0,
    examples: Sequence[str] = (),
    columns: Sequence[tuple[str, int]] = (),
) -> Words:
    """As of the remark; with columns it is of pictures that have a line."""
    if not columns:
        some = ", ".join(examples) + (", …" if without_line > len(examples) else "")
        has = "has" if without_line == 1 else "have"
        return f"{source}: {_count(without_line, 'picture')} of {pictures:,} {has} no line ({some})"
    gaps = ", ".join(f"{count:,} {'has' if count == 1 else 'have'} no {column}" for column, count in columns)
    return f"{source}: of {_count(pictures, 'picture')} with a line {gaps} (empty cells)"


_OTHERS = {
    "data": "in the data: the given one counts",
    "rows": "the one that is stored beside the rows: the given one counts",
    "session": "an earlier session stored: the later one counts",
}


@says(DataRemark.REPLACED_CELLS)
def replaced_cells(fact: Fact, source: str, column: str, other: str, count: int, examples: Sequence[str]) -> Words:
    """As of the remark."""
    some = ", ".join(examples) + (", …" if count > len(examples) else "")
    return f"{source}: {column} of {_count(count, 'picture')} ({some}) is another than {_OTHERS[other]}"


@says(DataRemark.NO_PAIRS)
def no_pairs(fact: Fact, source: str, clean: Sequence[str], benchmark: str = "", columns: Sequence[str] = ()) -> Words:
    """As of the remark; a benchmark is named where no condition is clean."""
    place, name = shown(source), "+".join(clean)
    if not benchmark:
        told = f"{place}: no sample has both a {name} score and one under another condition, so that nothing is paired"
        return told, "a picture must be called the same under each condition"
    named = "+".join(column.upper() for column in columns) or "NAME"
    told = f"{place}: no condition is called {name}, so each is taken for a disturbance and counts in the headline"
    return told, f"if pictures are undisturbed under one, name it: -b {benchmark}:clean={named}"


@says(FolderRemark.CLAIMS)
def claims(fact: Fact, folder: str, lacks: str) -> Words:
    """As of the remark."""
    if lacks == "hard links":
        return f"{folder} has no hard links, as some network mounts: new files are renamed to their names under a claim"
    return f"{folder} cannot put an object only where there is none: workers agree by claims, which take a second each"


@says(FolderRemark.SET_ASIDE)
def set_aside(fact: Fact, why: Fact, folder: str, file: str) -> Words:
    """As of the remark."""
    return f"{text(why)} (now {folder}/{file})"


@says(FolderRemark.RENAMED)
def renamed(fact: Fact, folder: str, run: str, usual: str, used: str, is_usual_used: bool) -> Words:
    """As of the remark; `used` is another folder of the run, which is read in its place."""
    told = f"{folder} holds the run {run}"
    if not used:
        return f"{told}, whose folder is {usual}: it was renamed, and is used as it is", "give it that name again"
    if is_usual_used:
        return f"{told}, whose folder is {usual}, which is there too: this one is left out", "delete it"
    return f"{told}, which {used} holds too and is used from there: this one is left out", "delete it"
