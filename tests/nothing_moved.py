"""Does everything come out as it did? For commits that move code: two records are compared, item by item.

    python tests/nothing_moved.py compare COMMIT            the working tree with that commit
    python tests/nothing_moved.py compare COMMIT ANOTHER    one commit with another
    python tests/nothing_moved.py record [COMMIT]           makes the record of a commit, or of the working tree

``make same`` compares the working tree with ``HEAD``; ``make same BEFORE=COMMIT`` with that commit. One line is printed
for each item that is another, gone or new, with a short diff of its text; the exit status is 1 if there is any, and 2
where a record cannot be made. A record takes less than three minutes on two quiet cores. ``--only SCENE`` takes one
part of it, e.g. ``--only keys``.

A record is of the source of its commit: ``git archive`` lays ``src`` out in a new folder, and every command runs with
it in a process of its own, in an empty home folder. Pictures, networks, policies and the list of commands are those of
this file, whichever commit is recorded. ``HARDINESS_DATA`` adds published cue-conflict stimuli. Records of commits are
kept in ``.same``, outside of git, and are made anew where this file, the installed packages, the processor or
``HARDINESS_DATA`` is another. What is held:

- ``keys``: the identity and key of the run of every benchmark and shipped variant, planned without evaluating;
- ``kernels``: the pixels of every corruption and perturbation at every severity;
- ``words``: ``--help`` of every command and group, and every ``hardiness list``;
- ``every``: all benchmarks on two pictures of each data set; ``attacks``: each attack; ``demo``: the suite;
  ``imagenet``: three cells of ImageNet-C, ImageNet-P, white box, black box and cue conflict on real networks and
  photographs; ``own``: own classes; ``grouped``: columns, clusters, slices, levels, a ladder, policies of every kind of
  rule, evidence and two folders read together; ``scored``: scores of any task; ``trusted``: attacks that are believed,
  withdrawn and not checked; ``chat``: a chat model; ``predictions``: files of answers. Of each: ``run.json``, the bytes
  of shards, ``results.json``, the page's text and figures, and what ``run``, ``show``, ``compare``, ``gate``, ``list
  runs`` and every exporter print.
- ``numbers`` of each scene, which survive a change of format and of words: each score's key, value, n and ends at 90,
  95 and 99 %, its doubt, the slices, and the captions of the gallery; of every JSON that a command prints, each number
  with its ends, verdict and place, by the names on the way to it. ``--numbers`` compares nothing else.

Nothing is left out but what differs from one moment to the next on one machine: of JSON the values of `VARYING`, of
texts what matches `MOMENTS`, and paths of the folder that a record is made in. The packages and the machine are the
same for both records, so their names stay.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import hashlib
import html.parser
import importlib
import importlib.metadata
import io
import itertools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
RECORDS = PROJECT / ".same"
MOMENT_S = 1_700_000_000
"""When every file that a record is made of was written last: times are part of what data sets are told apart by."""

VARYING = {"started", "elapsed_s", "rows_per_s", "last_began", "time", "timestamp"}
"""Names in JSON whose values are moments, durations and speeds."""

MOMENTS = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00)?", "MOMENT"),
    (r"\belapsed s [\d.]+; rows (\d+); rows per s [\d.]+", r"elapsed s VARIES; rows \1; rows per s VARIES"),
    (r"(?m)^.* after [\d.]+ (s|minutes|hours)(, about .* to go)?(; .*)?\n", ""),
)
"""Texts that are moments, durations, speeds and lines of progress, and what stands for them."""

LEVELS = (0.90, 0.95, 0.99)
"""Coverages at which the ends of every score are held."""

NAMING = (
    "model",
    "first",
    "second",
    "benchmark",
    "data",
    "metric",
    "condition",
    "column",
    "slice",
    "kind",
    "corruption",
)
"""Names in JSON whose texts say which number it is that stands below them."""

HELD = ("value", "interval", "n", "clusters", "p", "outcome", "rank", "worst", "limit", "doubt", "told_apart")
"""Names in JSON whose values are held as numbers, verdicts and places."""

COUNTS = ("n", "clusters")
"""Those that say how much a number rests on."""

MOST_LINES, MOST_CHARACTERS = 12, 200
"""Of a diff: lines that are shown, and of each line characters."""

NETWORKS = '''
import torch
from hardiness import View

class Colours(torch.nn.Module):
    """Mean colours, through a fixed linear map: fast, and different for every picture."""

    def __init__(self, classes, seed):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.linear = torch.nn.Linear(48, classes)
        self.linear.weight.data = torch.randn(classes, 48, generator=generator)
        self.linear.bias.data.zero_()

    def forward(self, x):
        return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1))

def first():
    return Colours(1000, 0), View(256, 224, "bilinear")

def second():
    return Colours(1000, 1), View(256, 224, "bilinear")

def two():
    return Colours(2, 0), View(256, 224, "bilinear")

def another_two():
    return Colours(2, 1), View(256, 224, "bicubic")

def ten():
    return Colours(10, 0), View(32, 32, "bilinear")

def hundred():
    return Colours(100, 0), View(32, 32, "bilinear")

class Hidden(torch.nn.Module):
    """Colours whose gradient is 0 nearly everywhere, as its input is rounded to 1/32."""

    def __init__(self):
        super().__init__()
        self.colours = Colours(2, 0)

    def forward(self, x):
        return self.colours((x * 32).round() / 32)

def hidden():
    return Hidden(), View(256, 224, "bilinear")
'''
FIRST, SECOND = "py:networks.py:first", "py:networks.py:second"
TWO, ANOTHER_TWO = "py:networks.py:two", "py:networks.py:another_two"
TEN, HUNDRED = "py:networks.py:ten", "py:networks.py:hundred"
HIDDEN = "py:networks.py:hidden"
EMBEDDED = ("efficientnet_lite0", "squeezenet1_1")

FOLDERS = {
    "imagenet/val": "n02708093",  # of ObjectNet's classes too
    "imagenet-a": "n01498041",
    "imagenet-r": "n01443537",
    "imagenet-sketch": "n01440764",
    "imagenet-v2": "0",
    "ninco": "amphiuma",
    "laion-c/mosaic/intensity_level_1": "dog",
    "objectnet/images": "chair",
    "imagenet-d/background": "chair",
    "imagenet-9/bg_challenge/original/val": "00_dog",
    "pug-imagenet/Worlds": "Wolf",
    "imagenet-es/ImageNet-ES/es-test/param_control/l1/param_1": "n01641577",
    "model-vs-human/edge": "cat",
    "cue-conflict": ".",
    **dict.fromkeys(("cifar10", "cifar10.1", "cifar10.1-v4"), "airplane"),
    "cifar100": "apple",
}
"""Folders of data sets in their published layouts, each with one that holds pictures."""

NAMES = {
    "cue-conflict": ("cat1-dog2", "car3-boat1"),
    "imagenet/val": ("ILSVRC2012_val_00015253", "cat2"),  # of the leaderboard's images too
}
"""What the pictures of a folder are called, where that says something."""

FEWER = {
    "autoattack": "queries=10,epsilons=0.01",
    "whitebox": "epsilons=0.01,steps=2",
    "blackbox": "surrogate=squeezenet1_1,epsilons=0.01,steps=2",
    "imagenet-p": "perturbations=translate+snow",
    "imagenet-3dcc": "corruptions=iso_noise+low_light",  # others need more than the photograph
    "own-3dcc": "corruptions=iso_noise+low_light",
}
"""Options of benchmarks of which the whole takes long."""

VARIANTS = (
    "imagenet-val:subset=robustbench",
    "whitebox:protocol=standard",
    "whitebox:protocol=standard,norm=l2,epsilons=0.5+3.0",
    "whitebox:norm=l2,epsilons=3",
    "whitebox:targeted=true,protocol=standard",
    "whitebox:epsilons=4/255+0.06,steps=1+10",
    "whitebox:steps_at=0.02,restarts=2",
    "whitebox:must_break=false,cross_checks=false",
    "whitebox:bpda=linear=backward.py:through",
    "blackbox:protocol=standard",
    "blackbox:norm=l2,epsilons=3,steps=3",
    "blackbox:surrogate=squeezenet1_1+efficientnet_lite0",
    "blackbox:keep=false",
    "autoattack:norm=l2",
    "autoattack:version=rand",
    "autoattack:version=plus",
    "autoattack:preprocessing=Crop288",
    "autoattack:preprocessing=model,subset=robustbench",
    "cue-conflict:corruption=fog",
    "cue-conflict:corruption=contrast,severity=5",
    "imagenet-c:extra=true",
    "imagenet-c:corruptions=fog+snow,severities=1+3",
    "imagenet-c:jpeg=false,source=generated",
    "imagenet-c-bar:extra=true",
    "imagenet-3dcc:source=generated",
    "imagenet-p:extra=true",
    "imagenet-p:difficulty=2,perturbations=gaussian_noise+shot_noise",
    "ood:outside=ninco",
    "model-vs-human:sets=edge",
    "shift-consistency:passes=2",
)
"""Benchmarks with the protocols and options that they ship with; those without options are taken from the registry."""

STORED_VARIANTS = ("imagenet-c", "imagenet-c:view=testbed,source=stored", "imagenet-3dcc")
"""Those that are other ones where their pictures are stored."""

ATTACKS = (
    ("apgd", "linf", "0.02"),
    ("apgd", "l2", "1"),
    ("apgd-l1", "l1", "40"),
    ("apgd-t", "linf", "0.02"),
    ("apgd-t", "l2", "1"),
    ("di-fgsm", "linf", "0.02"),
    ("di-fgsm", "l2", "1"),
    ("fab", "linf", "0.02"),
    ("fab-t", "l2", "1"),
    ("fgsm", "linf", "0.02"),
    ("fgsm", "l2", "1"),
    ("hopskipjump", "linf", "0.1"),
    ("hopskipjump", "l2", "3"),
    ("mi-fgsm", "linf", "0.02"),
    ("mi-fgsm", "l2", "1"),
    ("patch-pgd", "patch", "0.05"),
    ("pgd", "linf", "0.02"),
    ("pgd", "l2", "1"),
    ("sparse-rs", "l0", "200"),
    ("spatial", "spatial", "1"),
    ("square", "linf", "0.02"),
    ("square", "l2", "2"),
    ("ti-fgsm", "linf", "0.02"),
    ("ti-fgsm", "l2", "1"),
    ("universal-patch", "patch", "0.05"),
)
"""Each attack under its threat models, and a budget that some of three pictures withstand."""

EXPORTS = ("json", "csv", "parquet", "latex", "markdown", "model-index", "bibtex")
BINARY = {"parquet"}
COMMENT_FILES = ("comment.md", "junit.xml", "summary.md")

RULES = """
[[rules]]
benchmark = "own"
metric = "top1"
at_least = 0.2

[[rules]]
benchmark = "own"
metric = "top1"
each = "site"
at_least = 0.2

[[rules]]
benchmark = "own"
metric = "top1"
where = { slice = { site = "B" } }
at_least = 0.9

[[rules]]
benchmark = "own"
metric = "worst_class"
at_least = 0.1

[[rules]]
benchmark = "own"
metric = "top1"
cluster = "patient"
at_least = 0.2

[[rules]]
benchmark = "own"
metric = "headline"
model = "py:networks.py:another_two"
against = "out"
against_model = "py:networks.py:two"
worse_by_at_most = 0.1

[[rules]]
benchmark = "own"
metric = "top1"
model = "py:networks.py:another_two"
against = "out"
against_model = "py:networks.py:two"
equivalent_within = "30 %"

[[rules]]
benchmark = "own"
metric = "negative_flips"
model = "py:networks.py:another_two"
against = "out"
against_model = "py:networks.py:two"
at_most = 0.5

[[rules]]
benchmark = "own-c"
metric = "operating_limit"
where = { corruption = "jpeg_compression" }
holds_to = "quality=50"
above = 0.3
"""

Items = dict[str, str]


class RecordError(Exception):
    """A record cannot be made, and why."""


# What a record is made of


def make_inputs(folder: Path) -> None:
    """Write pictures, networks and files of options, the same whenever and wherever it is done."""
    root = folder / "root"
    for place, inside in FOLDERS.items():
        names = NAMES.get(place, ("cat1", "cat2"))
        for name in names:
            save(
                root / place / inside / f"{name}.png",
                picture(name, 512 if "pug" in place else 32 if "cifar" in place else 224, 0),
            )
    stream = io.BytesIO()
    picture("hard", 256, 0).save(stream, "PNG")
    rows = {"image": [{"bytes": stream.getvalue(), "path": None}], "label": [[1, 7]], "origin": ["ImageNet"]}
    (root / "imagenet-hard").mkdir()
    pq.write_table(pa.table(rows), root / "imagenet-hard" / "validation-0.parquet")
    for name, corruption in (("imagenet-c", "fog"), ("imagenet-3dcc", "fog_3d")):
        save(folder / "stored" / name / corruption / "3" / "n02708093" / "cat1.JPEG", picture("cat1", 224, 0))
    for number in range(12):
        label = ("bird", "boat")[number % 2]
        save(folder / "own" / label / f"{number:02}.jpg", picture(f"{label}{number}", 240 + 9 * number, 7 + number))
    make_grouped(folder)
    save(folder / "patch.png", picture("patch", 50, 5))
    (folder / "networks.py").write_text(NETWORKS)
    (folder / "backward.py").write_text("def through(inputs, outputs, gradient):\n    return (gradient,)\n")
    for path in sorted(folder.rglob("*")):
        os.utime(path, (MOMENT_S, MOMENT_S))


def make_grouped(folder: Path) -> None:
    """Write 72 pictures of two classes with columns, a policy of every kind of rule, and scores of another task."""
    draws = np.random.default_rng(11)
    with (folder / "columns.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "site", "patient", "age"])
        for number in range(72):
            path = f"{('bird', 'boat')[number % 2]}/{number:02}.png"
            save(folder / "grouped" / path, picture(path, 64, 3 + number % 5))
            writer.writerow([path, "ABC"[number % 3], f"p{number // 3}", 20 + number])
    (folder / "rules.toml").write_text(RULES)
    with (folder / "scores.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sample", "condition", "score", "scene"])
        for number, condition in itertools.product(range(60), ("clean", "fog/3", "rain/2")):
            score = min(1.0, float(draws.beta(5, 2)) * (1.0 if condition == "clean" else 0.8))
            writer.writerow([f"s{number}", condition, f"{score:.4f}", f"scene{number // 4}"])


def picture(name: str, side: int, cells: int) -> Image.Image:
    """Noise of that name; where there are cells, so many in each direction, smoothly joined."""
    digest = hashlib.sha256(name.encode()).digest()
    draws = np.random.default_rng(list(digest))
    noise = draws.integers(0, 256, (cells or side, cells or side, 3), np.uint8)
    return Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


# How texts and files are held


def normalised(text: str, work: Path) -> str:
    """A text without the record's folder, moments and speeds; JSON with a line a value."""
    with suppress(ValueError):
        if text.lstrip().startswith(("{", "[")):
            text = json.dumps(without_moments(json.loads(text)), indent=1, ensure_ascii=False)
    text = text.replace(str(work), "WORK")
    for pattern, name in MOMENTS:
        text = re.sub(pattern, name, text)
    return text


def without_moments(value: Any) -> Any:
    """What was read of JSON, with a mark in place of each moment, duration and speed."""
    if isinstance(value, Mapping):
        return {name: "VARIES" if name in VARYING else without_moments(each) for name, each in value.items()}
    return [without_moments(each) for each in value] if isinstance(value, list) else value


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def table_text(content: bytes) -> str:
    """A digest of a Parquet file, and one of each of its columns, so that a diff names those that moved."""
    table = pq.read_table(io.BytesIO(content))
    columns = [f"{name} {digest_of(repr(table[name].to_pylist()).encode())}" for name in table.column_names]
    return "\n".join([f"file {digest_of(content)}, {table.num_rows} rows", *columns])


class PageText(html.parser.HTMLParser):
    """The words of a page, a line a block; a picture is its description and a digest."""

    INLINE = frozenset(
        ("a", "abbr", "b", "cite", "code", "em", "i", "kbd", "label", "mark", "q", "s", "small", "span", "strong")
    ) | {"sub", "sup", "u", "var", "wbr"}
    SILENT = frozenset(("script", "style"))

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in self.SILENT
        if tag not in self.INLINE:
            self.parts.append("\n")
        values = {name: value or "" for name, value in attrs}
        for name in ("alt", "title", "aria-label", "href"):
            if values.get(name):
                self.parts.append(f"[{name}: {values[name]}] ")
        if "src" in values:
            self.parts.append(f"[picture {digest_of(values['src'].encode())}] ")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in self.SILENT
        if tag not in self.INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)

    @classmethod
    def of(cls, page: str) -> str:
        parser = cls()
        parser.feed(page)
        lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
        return "\n".join(filter(None, lines))


# What is done with the source that is recorded


class Scene:
    """One folder in which commands run, and what came of them."""

    def __init__(self, name: str, work: Path) -> None:
        self.name, self.work, self.folder = name, work, work / "scenes" / name
        self.items: Items = {}
        self.numbers = Counter[str]()
        self.folder.mkdir(parents=True)
        for each in (work / "inputs").iterdir():
            (self.folder / each.name).symlink_to(each)

    def add(self, what: str, text: str) -> None:
        """Hold a text; the second of one name is numbered."""
        self.numbers[what] += 1
        number = f" ({self.numbers[what]})" if self.numbers[what] > 1 else ""
        self.items[f"{self.name} | {what}{number}"] = normalised(text, self.work)

    def process(self, call: Callable[[], Any]) -> tuple[int, str, str]:
        """Exit status, standard output and standard error of a call in a process of its own."""
        files = (self.work / f"{self.name}.out", self.work / f"{self.name}.err")
        child = os.fork()
        if not child:
            status = 70
            try:
                os.chdir(self.folder)
                for number, file in enumerate(files, start=1):
                    os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
                call()
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:  # noqa: BLE001  # this process ends here, whatever it was
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out, err = (file.read_text("utf-8", "replace") for file in files)
        return status, out, err

    def lines_of(self, call: Callable[[], Any]) -> list[str]:
        """The lines that a call prints, in a process of its own."""
        status, out, err = self.process(call)
        if status:
            raise RecordError(f"{self.name} ended with {status}: {err.strip()[-2000:]}")
        return out.splitlines()

    def hardiness(self, *arguments: str, of: str = "", ends: Sequence[int] = (0,)) -> str:
        """Run ``hardiness ARGUMENTS``, hold what it prints, and give its standard output.

        Args:
            arguments: of the command.
            of: what the item is called; the arguments where empty.
            ends: exit statuses of a command that did its work; another one is told, and held as well.
        """

        def call() -> None:
            sys.argv = ["hardiness", *arguments]
            importlib.import_module("hardiness.__main__").main()

        status, out, err = self.process(call)
        line = " ".join(arguments)
        if status not in ends:
            last = err.strip().rpartition("\n")[2]
            print(
                f"{self.name}: hardiness {line} ended with {status}, which is held: {last}", file=sys.stderr, flush=True
            )
        rest = f"\n[exit status {status}]\n{normalised(err, self.work)}" if err or status else ""
        self.add(of or line, f"{normalised(out, self.work)}{rest}")
        if out.lstrip().startswith(("{", "[")):
            self.add(f"numbers | {of or line}", "\n".join(json_numbers(json.loads(out))))
        return out

    def run(self, out: str, models: Iterable[str], benchmarks: Iterable[str], *more: str) -> None:
        """Evaluate; what is printed is held, without the words of progress."""
        named = [part for model in models for part in ("-m", model)]
        named += [part for benchmark in benchmarks for part in ("-b", benchmark)]
        self.hardiness(
            "run", *named, "--device", "cpu", "--out", out, *more, of=f"run {out} {' '.join(more)}", ends=(0, 1)
        )

    def hold_records(self, out: str) -> None:
        """Hold each ``run.json`` and shard, by the run's model, benchmark and options."""
        for file in sorted((self.folder / out / "records").glob("*/run.json")):
            run = json.loads(file.read_text())
            benchmark, model = run["run"]["benchmark"], run["run"]["model"]
            options = json.dumps(benchmark["options"], sort_keys=True)
            label = f"{model['name']} | {benchmark['name']} {digest_of(options.encode())[:4]}"
            self.add(f"run.json | {label}", json.dumps(run))
            for shard in sorted(file.parent.glob("*.parquet")):
                self.add(f"shard | {label} | {shard.name}", table_text(shard.read_bytes()))

    def hold_file(self, what: str, name: str, text_of: Callable[[bytes], str] = bytes.decode) -> None:
        """Hold the text of a file, or that there is none."""
        file = self.folder / name
        self.add(what, text_of(file.read_bytes()) if file.exists() else "there is no such file")

    def hold_numbers(self, *outs: str, **options: Any) -> None:
        """Hold each score of folders with its ends at `LEVELS`, without a word that may be written in another way.

        Args:
            outs: the folders.
            options: as of ``hardiness.load_results``.
        """
        for out in outs:
            lines = self.lines_of(lambda out=out: print(*number_lines(out, options), sep="\n"))
            named = " ".join(f"{name}={value}" for name, value in options.items())
            for title, group in itertools.groupby(lines, key=lambda line: line.partition("\t")[0]):
                self.add(f"numbers | {out} {named} | {title}", "\n".join(line.partition("\t")[2] for line in group))

    def hold_readings(self, out: str, *, more: Sequence[Sequence[str]] = ()) -> None:
        """Hold what every command that reads rows prints or writes."""
        self.hold_file("results.json", f"{out}/results.json")
        self.hold_numbers(out)
        self.hardiness("show", out)
        self.hardiness("show", out, "--all")
        self.hardiness("show", out, "--json")
        self.hardiness("list", "runs", out)
        self.hardiness("compare", out, ends=(0, 2))
        self.hardiness("compare", out, "--json", ends=(0, 2))
        for form in ("latex", "csv", "markdown"):
            self.hardiness("compare", out, "--format", form, ends=(0, 2))
        policy = f"{out}.toml"
        self.hardiness("gate", out, "--write-policy", policy)
        self.hold_file("policy", policy)
        files = [part for name in COMMENT_FILES for part in (f"--{name.partition('.')[0]}", name)]
        self.hardiness("gate", out, "--policy", policy, "--annotations", *files, ends=(0, 1, 3, 4))
        for name in COMMENT_FILES:
            self.hold_file(f"gate | {name}", name)
        self.hardiness("gate", out, "--policy", policy, "--json", ends=(0, 1, 3, 4))
        for form in EXPORTS:
            self.hardiness("export", out, "--format", form, "--to", f"x.{form}")
            self.hold_file(f"export | {form}", f"x.{form}", table_text if form in BINARY else bytes.decode)
        for words in more:
            self.hardiness(*words, ends=(0, 1, 2))
        self.hardiness("report", out)
        self.hold_file("page", f"{out}/report.html", lambda content: PageText.of(content.decode()))
        for figure in sorted((self.folder / out / "figures").glob("*")):
            self.add(f"figure | {figure.name}", digest_of(figure.read_bytes()))


def number_lines(out: str, options: Mapping[str, Any]) -> Iterator[str]:
    """A line for each number of a folder's results, behind which result it is of and a tab.

    This reads scores as the recorded source has them: where a commit changes how a score keeps its uncertainty, it must
    read both forms, and print the same.
    """
    hardiness = importlib.import_module("hardiness")
    for result in hardiness.load_results(out, **options):
        options = json.dumps(result.run.benchmark.options, sort_keys=True, default=str)
        title = f"{result.name} | {result.benchmark} {result.data} {digest_of(options.encode())[:4]}"
        counts = result.counts
        images = f"{counts.expected} {counts.evaluated} {counts.failed} {counts.images}"
        yield f"{title}\tcounts {images}; {result.doubt or 'no doubt'}"
        for score in result.scores:
            ends = [ends_of(score, level) for level in LEVELS]
            facts = [shown(score.value), f"n {score.n}", *ends, f"clusters {score.clusters}", score.doubt]
            yield f"{title}\t{score.metric} {dict(score.condition)}: {'; '.join(filter(None, facts))}"
        for sliced in result.slices:
            where = f"{sliced.metric} {dict(sliced.condition)} by {sliced.column}"
            if not hasattr(sliced, "gap_interval"):  # the numbers of slices are scores
                gap, gap_ends = value_of(sliced.gap)
                yield f"{title}\t{where}: gap {shown(gap)} {shown(gap_ends)} worst {shown(value_of(sliced.worst)[1])}"
                for each in sliced.slices:
                    numbers = (*value_of(each.score), each.score.n, *value_of(each.less_rest), each.p)
                    yield f"{title}\t{where} {each.value}: {'; '.join(map(shown, numbers))}"
                continue
            yield f"{title}\t{where}: gap {shown(sliced.gap)} {shown(sliced.gap_interval)} worst {shown(sliced.worst)}"
            for each in sliced.slices:
                numbers = (each.score, each.interval, each.n, each.difference, each.difference_interval, each.p)
                yield f"{title}\t{where} {each.value}: {'; '.join(map(shown, numbers))}"
        for caption in result.exhibits:
            yield f"{title}\tpicture {caption}"


def value_of(score: Any) -> tuple[float | None, Any]:
    """The value and the interval of a score that may not be there."""
    return (score.value, score.interval) if score else (None, None)


def ends_of(score: Any, level: float) -> str:
    """The ends of a score's interval with that coverage; empty where it has none."""
    if score.interval is None:
        return ""
    if hasattr(score, "spread"):
        return f"{level:.0%} {shown(score.spread.ends(1 - level))}"
    verdicts = importlib.import_module("hardiness.statistics.verdicts")
    share = score.unit == "fraction" and 0 <= score.interval.low <= score.interval.high <= 1
    evidence = verdicts.Evidence.from_interval(score.value, score.interval, score.n, share=share)
    return f"{level:.0%} {shown(verdicts.at_level(evidence.facts, 1 - level))}"


def shown(number: Any) -> str:
    """A number, or the ends of an interval, as it is held."""
    if number is None:
        return "none"
    return f"{number:.9g}" if isinstance(number, float | int) else f"{number.low:.9g} to {number.high:.9g}"


def json_numbers(
    form: Any, names: tuple[str, ...] = (), counts: Mapping[str, Any] | None = None, *, is_named: bool = False
) -> Iterator[str]:
    """A line for each object of JSON that holds numbers, verdicts or places, by the names on the way to it.

    Whatever form has them: a number's n and clusters are its own or those of the whole that it is part of; a number
    with ``NAME_interval`` beside it is one as an object is; one that stands under a name needs no other.
    """
    if isinstance(form, list):
        for each in form:
            yield from json_numbers(each, names, counts)
    if not isinstance(form, Mapping):
        return
    bare = [name for name in form if f"{name}_interval" in form and not isinstance(form[name], Mapping)]
    numbers = {name: {"value": form[name], "interval": form[f"{name}_interval"]} for name in bare}
    form = {**form, **numbers}
    if not is_named:
        given = [name for name in NAMING if name in form and not isinstance(form[name], list)]
        names = (*names, *(f"{name}={json.dumps(form[name])}" for name in given))
    held = {name: form[name] for name in HELD if name in form and form[name] != ""}
    counts = {**(counts or {}), **{name: held.pop(name) for name in COUNTS if isinstance(held.get(name), int)}}
    if held:
        shown_counts = {name: count for name, count in counts.items() if count or name == "n"}
        lines = [f"{name} {json.dumps(rounded(each))}" for name, each in {**held, **shown_counts}.items()]
        yield f"{' '.join(names)}: {'; '.join(lines)}"
    for name, each in form.items():
        # A spread is how ends are made, and these are held.
        if isinstance(each, Mapping | list) and name not in (*NAMING, *HELD, "spread"):
            yield from json_numbers(each, (*names, name), counts, is_named=True)


def rounded(value: Any) -> Any:
    """JSON with numbers of nine digits."""
    if isinstance(value, Mapping) and value.keys() == {"low", "high"}:  # an interval, which is a list elsewhere
        return [rounded(value["low"]), rounded(value["high"])]
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def names_of(scene: Scene, kind: str) -> list[str]:
    """The names of all ``"benchmarks"``, ``"attacks"``, ``"corruptions"`` or ``"perturbations"``."""
    return scene.lines_of(lambda: print(*getattr(importlib.import_module("hardiness"), f"list_{kind}")(), sep="\n"))


def keys(scene: Scene) -> None:
    """The identity of the run of every benchmark and variant."""
    names = names_of(scene, "benchmarks")
    own = [name for name in names if name.startswith("own")]
    others = [name for name in names if not name.startswith(("own", "cifar"))]
    attacks = [
        f"whitebox:protocol=standard,attack={attack}{options_of(attack)},norm={norm},epsilons={e}"
        for attack, norm, e in ATTACKS
    ]
    plan_runs(scene, (*others, *VARIANTS, *attacks), (*EMBEDDED, FIRST), "root")
    plan_runs(scene, (*own, "own-c:severities=5"), (TWO,), "own=own")
    for network, small in small_sets(names).items():
        plan_runs(scene, small, (network,), "root")
    plan_runs(scene, STORED_VARIANTS, (FIRST,), "stored")


def small_sets(names: Iterable[str]) -> dict[str, list[str]]:
    """The benchmarks of small pictures by a network of their classes."""
    small = [name for name in names if name.startswith("cifar")]
    of_hundred = [name for name in small if name.startswith("cifar100")]
    parts = {TEN: [name for name in small if name not in of_hundred], HUNDRED: of_hundred}
    return {network: part for network, part in parts.items() if part}


def plan_runs(scene: Scene, benchmarks: Iterable[str], models: Iterable[str], data: str) -> None:
    """Hold the identity and the key of every run that a command begins; the store refuses each, so none is evaluated.

    Of one model and benchmark they are numbered, in the order of the command.
    """
    arguments = [part for model in models for part in ("-m", model)]
    arguments += [part for text in map(with_surrogate, benchmarks) for part in ("-b", text)]
    arguments += ["--data", data, "--limit", "1", "--batch-size", "8", "--device", "cpu", "--quiet", "--out", "out"]

    def call() -> None:
        store = from_one_of("Store", "hardiness.store", "hardiness.store.store")
        error = from_one_of("ModelError", "hardiness.core", "hardiness.core.errors")

        def refuse(self: Any, run: Any, plan: Any) -> Any:
            with open("runs.jsonl", "a") as stream:
                stream.write(json.dumps({"key": run.key, "run": json.loads(run.canonical())}) + "\n")
            raise error("its identity is all that is wanted")

        store.run = refuse
        sys.argv = ["hardiness", "run", *arguments]
        importlib.import_module("hardiness.__main__").main()

    file = scene.folder / "runs.jsonl"
    status, _, err = scene.process(call)
    if status not in (0, 1) or not file.exists():
        raise RecordError(f"{scene.name}: no run was begun: {err.strip()[-2000:]}")
    for run in map(json.loads, file.read_text().splitlines()):
        scene.add(f"{run['run']['model']['name']} | {run['run']['benchmark']['name']}", json.dumps(run))
    file.unlink()


def from_one_of(name: str, *modules: str) -> Any:
    """What one of these modules has under a name, as commits differ in what a package offers."""
    for module in modules:
        with suppress(ImportError, AttributeError):
            return getattr(importlib.import_module(module), name)
    raise RecordError(f"none of {', '.join(modules)} has {name}: name the module that defines it in {__file__}")


def with_surrogate(text: str) -> str:
    """A black box with a surrogate that is at hand, where the text names none; any other benchmark as it is."""
    if text.partition(":")[0] != "blackbox" or "surrogate=" in text:
        return text
    return f"{text}{',' if ':' in text else ':'}surrogate=squeezenet1_1"


def options_of(attack: str) -> str:
    """What an attack must be told, beside its threat model."""
    return ",file=patch.png" if attack == "universal-patch" else ""


def kernels(scene: Scene) -> None:
    """The pixels of every corruption at every severity, and of every frame of every perturbation."""

    def call() -> None:
        package = importlib.import_module("hardiness")
        image = np.asarray(picture("kernels", 256, 9))

        def show(what: str, kernel: Callable[..., Any], *arguments: Any) -> None:
            try:
                pixels = kernel(image, *arguments, seed=1, id="n01440764/a")
                print(f"{what}\t{digest_of(b''.join(np.asarray(each).tobytes() for each in pixels))}")
            except Exception as error:  # noqa: BLE001  # that a severity is refused, or needs more, is held as well
                print(f"{what}\t{type(error).__name__}: {' '.join(str(error).split())}")

        for name in package.list_corruptions():
            for severity in range(1, 10):
                show(f"{name} {severity}", package.corrupt, name, severity)
        for name in package.list_perturbations():
            show(name, package.perturb, name)

    for line in scene.lines_of(call):
        what, _, pixels = line.partition("\t")
        scene.add(what, pixels)


def words(scene: Scene) -> None:
    """Help of every command that the help of another names; every list, and each thing in it."""
    waiting = [()]
    for command in waiting:
        text = scene.hardiness(*command, "--help")
        named = re.findall(r"'hardiness ([\w -]+) --help'", text)
        if "COMMAND [ARGS]" in text:
            blocks = re.findall(r"^(?!Options|Usage)\S[^\n]*:\n((?: +.*\n?)+)", text, re.MULTILINE)
            names = [name for block in blocks for name in re.findall(r"^  (\S+)  ", block, re.MULTILINE)]
            named += [" ".join((*command, name)) for name in names]
        waiting += [tuple(each.split()) for each in named if tuple(each.split()) not in waiting]
    for kind in ("benchmarks", "corruptions", "perturbations", "attacks", "models"):
        scene.hardiness("list", kind)
        for name in () if kind == "models" else names_of(scene, kind):
            scene.hardiness("list", kind, name)
    scene.hardiness("list", "models", "squeezenet1_1")
    scene.hardiness("export", "nowhere", "--format", "none", ends=(2,))
    scene.hardiness("run", "-b", "none", ends=(2,))


def every(scene: Scene) -> None:
    """All benchmarks on ImageNet's classes, two models on two pictures of each, and those of small pictures."""
    names = names_of(scene, "benchmarks")
    benchmarks = [f"{name}:{FEWER[name]}" if name in FEWER else name for name in names]
    benchmarks = [name for name in benchmarks if not name.startswith(("own", "cifar"))]
    scene.run("out", (FIRST, SECOND), benchmarks, "--data", "root", "--limit", "2", "--json")
    scene.hold_records("out")
    scene.hold_readings("out", more=(("show", "out", "--claims"), ("show", "out", "--people", "--json")))
    for network, small in small_sets(names).items():
        scene.run(f"small{len(small)}", (network,), small, "--data", "root", "--limit", "2", "--json")
        scene.hold_records(f"small{len(small)}")


def attacks(scene: Scene) -> None:
    """Each attack on three pictures."""
    few = "must_break=false,cross_checks=false"
    benchmarks = [
        f"whitebox:protocol=standard,attack={attack}{options_of(attack)},norm={norm},epsilons={epsilon},steps=4,{few}"
        for attack, norm, epsilon in ATTACKS
    ]
    benchmarks += ["whitebox:epsilons=0.02,steps=1+3", f"blackbox:surrogate={SECOND},attack=mi-fgsm,epsilons=0.05"]
    scene.run("out", (FIRST,), benchmarks, "--data", "embedded", "--limit", "3", "--quiet")
    scene.hold_records("out")
    scene.hold_readings("out")


def demo(scene: Scene) -> None:
    """The demo suite, as a person runs it first."""
    scene.hardiness("run", "--suite", "demo", "--device", "cpu", "--out", "out", of="run")
    scene.hold_records("out")
    scene.hold_readings("out", more=(("show", "out", "--claims"), ("list", "runs", "out", "--json")))


def imagenet(scene: Scene) -> None:
    """Real networks on the photographs of packages, and on published stimuli where they are at hand."""
    data = ["--data", "embedded"]
    few = [
        ("6", ["imagenet-c:corruptions=fog+glass_blur+jpeg_compression,severities=3"]),
        ("2", ["imagenet-p:perturbations=snow+rotate"]),
        ("4", ["whitebox:epsilons=0.01,steps=1+5,must_break=false,cross_checks=false"]),
        ("4", ["blackbox:surrogate=squeezenet1_1,epsilons=0.06"]),
    ]
    if os.environ.get("HARDINESS_DATA"):
        data += ["--data", f"cue-conflict={os.environ['HARDINESS_DATA']}/cue-conflict"]
        few.append(("32", ["cue-conflict"]))
    for limit, benchmarks in few:
        scene.run("out", EMBEDDED, benchmarks, *data, "--limit", limit)
    scene.hold_records("out")
    more = [("show", "out", "--people"), ("compare", "out", "-m", EMBEDDED[0], "-m", EMBEDDED[1])]
    more += [("report", "--published"), ("show", "--claims", "--published"), ("compare", "--power")]
    more += [("compare", "--power", "--difference", "0.02", "--baseline-error", "0.3")]
    scene.hold_readings("out", more=more)


def own(scene: Scene) -> None:
    """Own pictures of two classes, clean and distorted."""
    names = names_of(scene, "benchmarks")
    benchmarks = [f"{name}:{FEWER[name]}" if name in FEWER else name for name in names if name.startswith("own")]
    scene.run("out", (TWO, ANOTHER_TWO), benchmarks, "--data", "own")
    scene.hold_records("out")
    scene.hold_readings("out", more=(("show", "out", "--below", "0.7"),))


def grouped(scene: Scene) -> None:
    """Columns, clusters, slices, levels, a ladder, every kind of rule, evidence, and two folders together."""
    columns = ("--columns", "columns.csv")
    benchmarks = ("own", "own-c:corruptions=jpeg_compression,levels=10..90..40", "own-c:corruptions=fog,severities=3")
    scene.run("out", (TWO, ANOTHER_TWO), benchmarks, "--data", "own=grouped", *columns)
    scene.run("second", (TWO,), ("own",), "--data", "own=grouped", "--limit", "40")
    scene.hold_records("out")
    by = ("--cluster", "patient", "--slice", "site", "--slice", "age:0-40,40-")
    ladder = ("compare", "out", "--ladder", f"{TWO}+{ANOTHER_TWO}")
    more = [
        ("show", "out", "--all", *by),
        ("show", "out", "--json", *by),
        ("show", "out", "--above", "0.4", "--json"),
        ("compare", "out", "--json", *by),
        ("compare", "out", "--all", "--within", "5%"),
        ladder,
        (*ladder, "--json", "--within", "20%"),
        (*ladder, "--cluster", "patient"),
        ("show", "out", "second"),
        ("compare", "out", "second", "--json"),
        ("report", "out", "--evidence", "evidence", "--cluster", "patient"),
    ]
    scene.hold_readings("out", more=more)
    scene.hold_numbers("out", cluster="patient", slices=["site", "age:0-40,40-"])
    scene.hold_numbers("out", above=0.4)
    scene.hardiness("gate", "out", "--policy", "rules.toml", ends=(0, 1, 3, 4))
    scene.hardiness("gate", "out", "--policy", "rules.toml", "--json", ends=(0, 1, 3, 4))
    scene.hold_file("evidence", "evidence/evidence.json")
    scene.hold_file("evidence page", "evidence/evidence.html", lambda content: PageText.of(content.decode()))


def scored(scene: Scene) -> None:
    """Scores of another task, of two models, by scene."""
    rows = (scene.folder / "scores.csv").read_text().splitlines()
    worse = [line.split(",") for line in rows[1:]]
    others = [
        ",".join((sample, condition, f"{float(score) ** 1.2:.4f}", place)) for sample, condition, score, place in worse
    ]
    (scene.folder / "others.csv").write_text("\n".join((rows[0], *others, "")))
    for name, file in (("one", "scores.csv"), ("other", "others.csv")):
        scene.run("out", (name,), ("file:masks",), "--predictions", file)
    scene.hold_records("out")
    scene.hold_readings(
        "out", more=(("show", "out", "--cluster", "scene", "--json"), ("compare", "out", "--within", "10%"))
    )
    scene.hold_numbers("out", cluster="scene")


def trusted(scene: Scene) -> None:
    """Attacks whose number is believed, as nothing stays right, is withdrawn, and is not checked."""
    unchecked = ",must_break=false,cross_checks=false"
    for model, options in (
        (TWO, "epsilons=0.5,steps=1+10"),
        (HIDDEN, "epsilons=0.02,steps=1+10"),
        (TWO, f"epsilons=0.03,steps=1+10{unchecked}"),
    ):
        scene.run("out", (model,), (f"whitebox:{options}",), "--data", "own=grouped", "--limit", "24")
    scene.hold_records("out")
    scene.hold_readings("out")


CHAT = """
import sys
sys.path.insert(0, sys.argv[1])
from chat_server import ChatServer
with ChatServer(port=47113) as server:
    print(server.address, flush=True)
    sys.stdin.read()
"""
"""An endpoint in a process of its own, because one that has threads cannot fork safely; its port is in the key."""


def chat(scene: Scene) -> None:
    """A chat model that always answers A, on cue conflicts, from an endpoint of this machine."""
    command = [sys.executable, "-c", CHAT, str(PROJECT / "tests" / "masked")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None, "it is a pipe"
        address = server.stdout.readline().strip()
        scene.run("out", (f"always=chat:always:base={address}",), ("cue-conflict",), "--data", "root", "--quiet")
        scene.hold_readings("out", more=(("show", "out", "--people"),))
        server.communicate()


def predictions(scene: Scene) -> None:
    """Answers of models that were run elsewhere: classes of one, logits of two."""
    scene.run("ids", (FIRST,), ("imagenet-val",), "--data", "embedded", "--quiet")
    (shard,) = (scene.folder / "ids").glob("records/*/*.parquet")
    samples = pq.read_table(shard)["sample"].to_pylist()
    draws = np.random.default_rng(5)
    for name, kind in (("classes", "class"), ("logits", "logits"), ("others", "logits")):
        with (scene.folder / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["sample", kind])
            for sample in samples:
                logits = " ".join(f"{value:.4f}" for value in draws.normal(size=1000))
                writer.writerow([sample, int(draws.integers(1000)) if kind == "class" else logits])
        scene.run("out", (name,), ("imagenet-val",), "--predictions", f"{name}.csv", "--data", "embedded")
    scene.hold_records("out")
    scene.hold_readings("out")


SCENES = {
    each.__name__: each
    for each in (
        demo,
        imagenet,
        every,
        attacks,
        words,
        grouped,
        own,
        keys,
        trusted,
        predictions,
        scored,
        chat,
        kernels,
    )
}
"""The parts of a record; what takes longest begins first."""

PRELOADED = (
    "numba",
    "matplotlib.figure",
    "fontTools.subset",
    "torch",
    "torchvision",
    "timm",
    "hardiness.api",
    "hardiness.cli.run",
)
"""Imported once, and not by each of some hundred processes; where a commit lacks a module it is passed over."""


def record_scenes(work: Path, names: Sequence[str], core: int | None) -> None:
    """Record what no other process has begun to record, one scene after the other, on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    for module in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(module)
    for name in names:
        try:
            (work / f"{name}.begun").mkdir()
        except FileExistsError:
            continue
        began_s = time.monotonic()
        scene = Scene(name, work)
        SCENES[name](scene)
        (work / f"{name}.json").write_text(json.dumps(scene.items))
        print(f"{name}: {len(scene.items):,} items, {time.monotonic() - began_s:.0f} s", file=sys.stderr, flush=True)


# Records of commits


def git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(PROJECT), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise RecordError(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout


def lay_out_source(commit: str | None, folder: Path) -> None:
    """Write ``src`` of a commit, or of the working tree, below a folder."""
    if commit is None:
        shutil.copytree(PROJECT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    else:
        with tarfile.open(fileobj=io.BytesIO(git("archive", commit, "src"))) as archive:
            archive.extractall(folder, filter="data")
    for path in folder.rglob("*"):
        os.utime(path, (MOMENT_S, MOMENT_S))


def surroundings() -> str:
    """A digest of what else a record depends on: this file, the packages, the processor and data beside the clone."""
    packages = sorted(f"{each.name} {each.version}" for each in importlib.metadata.distributions())
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    data = os.environ.get("HARDINESS_DATA", "")
    parts = [Path(__file__).read_text(), *packages, sys.version, model[1] if model else platform.machine(), data]
    return digest_of("\n".join(parts).encode())


def record(commit: str | None, only: Sequence[str]) -> dict[str, Items]:
    """The items of each scene, of a commit or of the working tree."""
    with tempfile.TemporaryDirectory(prefix="nothing-moved-") as folder:
        work = Path(folder)
        (work / "inputs").mkdir()
        make_inputs(work / "inputs")
        lay_out_source(commit, work / "source")
        kernels = compiled_kernels(work / "source")
        for place in ("home", "scenes"):
            (work / place).mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(work / "home"),
            "PYTHONPATH": str(work / "source" / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "MPLCONFIGDIR": str(RECORDS / "matplotlib"),
            "OMP_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            **{name: os.environ[name] for name in ("HARDINESS_DATA",) if name in os.environ},
        }
        cores = sorted(os.sched_getaffinity(0))[: min(2, len(only))]
        lanes = [
            subprocess.Popen([sys.executable, __file__, "lane", str(work), str(core), *only], env=environment, cwd=work)
            for core in cores
        ]
        ends = [lane.wait() for lane in lanes]
        if any(ends):
            raise RecordError("no record was made")
        keep_kernels(work / "source", kernels)
        return {name: json.loads((work / f"{name}.json").read_text()) for name in only}


def compiled_kernels(source: Path) -> Path:
    """Where machine code of kernels is kept for sources like these; what is there is laid beside them.

    Numba finds a kernel's code again by the time and size of its own file, and does not see that another file is
    another: so code is kept for exactly these files.
    """
    files = [
        path
        for room in ("imaging", "distortions")
        for path in sorted((source / "src" / "hardiness" / room).rglob("*.py"))
    ]
    folder = RECORDS / "kernels" / digest_of(b"".join(digest_of(path.read_bytes()).encode() for path in files))
    for path in folder.rglob("*.nb?"):
        target = source / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def keep_kernels(source: Path, folder: Path) -> None:
    for path in source.rglob("*.nb?"):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def record_of(name: str | None, only: Sequence[str]) -> dict[str, Items]:
    """The record of a commit, made where it is not kept; that of the working tree is made anew."""
    if name is None:
        print("recording the working tree", file=sys.stderr, flush=True)
        return record(None, only)
    commit = git("rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()
    file = RECORDS / f"{commit[:12]}-{surroundings()}.json"
    scenes: dict[str, Items] = json.loads(file.read_text()) if file.exists() else {}
    if missing := [scene for scene in only if scene not in scenes]:
        print(f"recording {name} ({commit[:12]})", file=sys.stderr, flush=True)
        scenes |= record(commit, missing)
        file.parent.mkdir(exist_ok=True)
        file.with_suffix(".part").write_text(json.dumps(scenes))
        file.with_suffix(".part").replace(file)
    return {scene: scenes[scene] for scene in only}


def differences(before: Items, after: Items) -> Iterator[tuple[str, str]]:
    """Each item that is another, gone or new, with a short diff of its text."""
    for name in sorted({*before, *after}):
        if name not in after:
            yield f"gone: {name}", ""
        elif name not in before:
            yield f"new: {name}", ""
        elif before[name] != after[name]:
            lines = list(difflib.unified_diff(before[name].splitlines(), after[name].splitlines(), n=0, lineterm=""))
            lines = [line[:MOST_CHARACTERS] for line in lines[2:] if not line.startswith("@@")]
            more = [f"… and {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
            yield (f"moved: {name}", "\n".join(f"    {line}" for line in (*lines[:MOST_LINES], *more)))


def compare(before: str, after: str | None, only: Sequence[str], part: str) -> int:
    """Print what differs between two records in items whose name holds ``part``; 1 if anything does."""
    records = [record_of(name, only) for name in (before, after)]
    items = [
        {name: text for scene in each.values() for name, text in scene.items() if part in name} for each in records
    ]
    alike: dict[str, list[str]] = defaultdict(list)
    for line, diff in differences(*items):
        alike[diff].append(line)
    for diff, lines in alike.items():
        print("\n".join(filter(None, (*lines, diff))))
    if not os.environ.get("HARDINESS_DATA"):
        print("cue conflict on published stimuli was left out: HARDINESS_DATA names no data root")
    moved = sum(map(len, alike.values()))
    print(f"{len(items[1]):,} items of {after or 'the working tree'}, {moved or 'none'} other than in {before}")
    return int(moved > 0)


def main() -> int:
    """Do what the command line says; the exit status."""
    try:
        return run_command()
    except RecordError as error:
        print(error, file=sys.stderr)
        return 2


def run_command() -> int:
    if sys.argv[1:2] == ["lane"]:
        work, core, *names = sys.argv[2:]
        record_scenes(Path(work), names, int(core))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mode", choices=("compare", "record"))
    parser.add_argument("commits", nargs="*", metavar="COMMIT")
    parser.add_argument("--only", action="append", choices=tuple(SCENES), help="one part of a record; may be repeated")
    parser.add_argument("--numbers", action="store_true", help="numbers, verdicts and places, and no text or bytes")
    arguments = parser.parse_args()
    only = arguments.only or list(SCENES)
    if arguments.mode == "record":
        for name in arguments.commits or [None]:
            print(f"{sum(map(len, record_of(name, only).values())):,} items")
        return 0
    if not 1 <= len(arguments.commits) <= 2:
        parser.error("compare needs the commit before, and may have the one after; else that is the working tree")
    before, *after = arguments.commits
    return compare(before, after[0] if after else None, only, " | numbers | " if arguments.numbers else "")


if __name__ == "__main__":
    sys.exit(main())
