"""Writes the parts of README and docs that are made from the code, each between ``<!-- made: NAME -->`` and its end.

python docs/write.py               # the tables (make docs)
python docs/write.py --check       # writes nothing; exits with 1 where a table is not what it would write
python docs/write.py --demo OUT    # also what the first page and README show of the demo, which runs into OUT
python docs/write.py --notebooks   # also what the cells of docs/notebooks print
python docs/write.py --modern OUT  # also docs/modern.md and its figure, from what its two commands wrote into OUT
python docs/write.py --four OUT    # also the example of docs/compare.md, from what its commands wrote into OUT
python docs/write.py --gallery OUT # also the figures of docs/gallery.md, which its commands wrote into OUT
python docs/write.py --slices OUT  # also what docs/slices.md prints: runs its example in the new folder OUT
"""

from __future__ import annotations

import ast
import base64
import csv
import html
import importlib
import inspect
import io
import json
import os
import pprint
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console

import hardiness
from hardiness import attacks, benchmarks, models
from hardiness.api.benchmark_sizes import size_table
from hardiness.benchmarks.own_pictures import takes_own_pictures
from hardiness.benchmarks.small_sets import OfAnySize
from hardiness.cli.main import COMMANDS, GROUPS, cli, command_of
from hardiness.core.registry import summary_of
from hardiness.core.result import Metric
from hardiness.models.catalogue import schemes
from hardiness.reference.class_sets import CLASS_SETS
from hardiness.reference.evidence_clauses import clause_table
from hardiness.reference.limits import limits
from hardiness.report.evidence.about import EXAMPLE
from hardiness.report.evidence.record import SCHEMA, SECTIONS
from hardiness.report.terminal import scorecard_tables
from hardiness.results.comparison import kept_comparisons
from hardiness.results.folder import Folder
from hardiness.store.store import Store

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
evidence_schema_json = runpy.run_path(str(ROOT / "docs" / "evidence_schema.py"))[
    "evidence_schema_json"
]
BLOCK = "<!-- made: {name} -->\n{text}<!-- end: {name} -->\n"
PAPER = (
    "imagenet-val",
    "imagenet-a",
    "imagenet-c",
    "imagenet-p",
    "whitebox",
    "blackbox",
    "cue-conflict",
)
"""The benchmarks of Orhan (2019), in the order of the paper."""
MODERN, MODERN_MODELS = "docs/modern.md", ("efficientnet_lite0", "hf-clip:tiny-clip")
COLUMNS = 96
"""The width of all that commands and notebooks print: code of so many columns is whole on a screen of 1,280 pixels."""
SLICES = "docs/slices.md"
PUBLISHED = {
    "accuracy": "imagenet-val--imagenet--accuracy",
    "among_published": "imagenet-c--among_published",
    "explained_by_accuracy": "imagenet-a--explained_by_accuracy",
    "error_by_corruption": "imagenet-c--error_by_corruption",
    "flip_probability": "imagenet-p--flip_probability",
    "accuracy_under_attack": "whitebox--imagenet--protocol_orhan2019--accuracy_under_attack",
    "scores": "cue-conflict--scores",
}
"""Figures of the gallery that are of published results, by name, and their files."""
SMALL = {
    "confidence": "imagenet-val--embedded--confidence",
    "error_by_severity": "imagenet-c--embedded--error_by_severity",
    "error_matrix": "imagenet-c--embedded--error_matrix",
    "calibration_by_severity": "imagenet-c--embedded--calibration_by_severity",
    "flips": "imagenet-c--embedded--flips_1",
    "attack_effort": "whitebox--embedded--protocol_standard--attack_effort",
}
"""Figures of the gallery that are of the small run that its page has the command of."""
FIGURES = {
    "--gallery": {
        **{
            f"figures/{stem}.svg": f"docs/figures/gallery/{name}.svg"
            for name, stem in PUBLISHED.items()
        },
        "own/figures/own-c--photos--recall_by_class.svg": "docs/figures/gallery/recall_by_class.svg",
        **{
            f"small/figures/{stem}.svg": f"docs/figures/gallery/{name}.svg"
            for name, stem in SMALL.items()
        },
    },
    "--modern": {
        "figures/ood-unit-tests--imagenet--passing_msp.svg": "docs/figures/ood_unit_tests.svg"
    },
    "--slices": {
        "runs/sliced/figures/imagenet-c--embedded--by_slice_0.svg": "docs/figures/slices.svg"
    },
}
"""The figures beside a report that a page shows, by the option that writes it."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    columns = list(head)
    lines = [" | ".join(line) for line in (columns, *rows)]
    return (
        "\n".join(
            [
                f"| {lines[0]} |",
                "|" + "---|" * len(columns),
                *(f"| {line} |" for line in lines[1:]),
            ]
        )
        + "\n"
    )


def benchmark_table() -> str:
    """Every benchmark: its question, paper and protocol, those that ask the same in one row; then what each reads."""
    known = {name: benchmarks.registry.get(name) for name in benchmarks.registry.names()}
    alike: dict[str, list[str]] = {}
    read: dict[str, list[str]] = {}
    for name, each in known.items():
        alike.setdefault(each.question, []).append(f"`{name}`")
        if name not in each.needs:
            read.setdefault(" or ".join(f"`{need}`" for need in each.needs), []).append(
                f"`{name}`"
            )
    rows = []
    for question, names in alike.items():
        group = [known[name.strip("`")] for name in names]
        papers = "; ".join(dict.fromkeys(each.paper for each in group))
        protocols = ", ".join(dict.fromkeys(f"`{each.protocol}`" for each in group))
        rows.append((", ".join(names), question, f"{papers}; {protocols}"))
    generated = ", ".join(
        f"`{name}`" for name, each in known.items() if each.needs == (name, "imagenet")
    )
    others = "".join(f"- {need}: {', '.join(names)}\n" for need, names in read.items())
    return (
        f"{table(('benchmark', 'question', 'paper and protocol'), rows)}\n"
        "Each reads [the data set](data.md) of its name. Where that is missing, these generate their pictures from\n"
        f"`imagenet`: {generated}.\nOthers read:\n\n{others}"
    )


def own_pictures_table() -> str:
    """Benchmarks by the ways of giving them pictures; those that take the same in one row."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in benchmarks.registry.names():
        kind = benchmarks.registry.get(name)
        takes_own, beside = (
            takes_own_pictures(kind),
            " and `outside=FOLDER`" if name == "ood" else "",
        )
        own = (f"yes{beside}",) * 3 if takes_own else ("no",) * 3
        imagenet = "no" if "imagenet" not in kind.needs else f"yes{beside and ', likewise'}"
        is_published = name in kind.needs or {*kind.needs} - {"own", *OfAnySize.needs}
        published = "yes" if is_published else "no"
        instead = "" if takes_own else kind.own_substitute.replace("'", "`")
        alike.setdefault((*own, imagenet, published, instead), []).append(f"`{name}`")
    heads = (
        "a folder for each class",
        "csv or Parquet",
        "what Python holds",
        "ImageNet's",
        "the set of its name",
    )
    rows = [(", ".join(names), *cells) for cells, names in alike.items()]
    return table(("benchmark", *heads, "what serves your own instead"), rows)


def metric_table() -> str:
    """What every metric but details is called, means, and is named in results, in the order of a page's sections."""
    cards = sorted(
        map(benchmarks.cards.get, benchmarks.cards.names()), key=lambda card: card.place
    )
    found: dict[str, list[Metric]] = {}
    for metric in dict.fromkeys(
        each for card in cards for each in card.declared if not each.detail
    ):
        found.setdefault(metric.explanation, []).append(metric)
    rows = [
        (
            f"{alike[0].title}{', …' if len(alike) > 1 else ''}",
            explanation,
            "higher" if alike[0].higher_is_better else "lower",
            f"`{alike[0].name}`{', …' if len(alike) > 1 else ''}",
        )
        for explanation, alike in found.items()
    ]
    return table(("number", "what it says", "better", "in results"), rows)


def model_table() -> str:
    """Every registered model, then every prefix."""
    rows = []
    for name in models.registry.names():
        spec = models.registry.get(name)
        parameters = f"{spec.source.parameters:,}" if spec.source.parameters else ""
        rows.append((f"`{name}`", spec.summary, parameters, spec.source.licence))
    rows += [
        (f"`{schemes.get(prefix).form}`", schemes.get(prefix).summary, "", "")
        for prefix in schemes
    ]
    return table(("name", "what", "parameters", "licence of the weights"), rows)


def attack_table() -> str:
    """Every attack with its summary."""
    registry = attacks.registry
    rows = [
        (f"`{name}`", summary_of(registry.get(name)).rstrip(".")) for name in registry.names()
    ]
    return table(("attack", "what it is"), rows)


def paper_table() -> str:
    """The benchmarks of the paper with their questions, the sets of natural shift, and how many others there are."""
    rows = [(f"`{name}`", benchmarks.registry.get(name).question) for name in PAPER]
    rows.append((", ".join(f"`{name}`" for name in CLASS_SETS), "Robust to natural shift?"))
    others = len({*benchmarks.registry.names()} - {*PAPER, *CLASS_SETS})
    more = f"and {others} more: [their protocols](docs/protocols.md) and [their data](docs/data.md)."
    return f"{table(('benchmark', 'question'), rows)}\n{more}\n"


def result_rows(name: str) -> list[dict[str, str]]:
    """The rows of a file of docs/results."""
    with (RESULTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cifar_table() -> str:
    """Errors of real networks on CIFAR-10, with their intervals."""
    published = {"resnet20": "8.27", "resnet32": "7.37", "resnet44": "6.90"}
    rows = [
        (
            f"`{row['network']}`",
            row["pictures"],
            f"{100 * int(row['errors']) / int(row['n']):.2f}",
            f"{row['low']} to {row['high']}",
            published[row["network"]],
        )
        for row in result_rows("cifar.csv")
    ]
    heads = ("network", "pictures", "error, %", "95 %", "published, of 10,000 test pictures")
    return table(heads, rows)


def cifar_answer_table() -> str:
    """Accuracies of published answers, with intervals, places and effective robustness."""
    sets = ("cifar10", "cifar10.1-v4", "effective robustness")
    rows = [
        (
            f"`{row['network']}`",
            row["place"],
            *(f"{row[of]} ({row[f'{of} low']} to {row[f'{of} high']})" for of in sets),
        )
        for row in result_rows("cifar_answers.csv")
    ]
    heads = (
        "network",
        "place",
        "CIFAR-10, %",
        "CIFAR-10.1 v4, %",
        "effective robustness, points",
    )
    return table(heads, rows)


def cifar_attack_table() -> str:
    """The pictures of CIFAR-10 that attacks leave, by hardiness and by torchattacks."""
    norms = {"linf": "L∞ {:.0f}/255", "l2": "L2 {:g}"}
    rows = [
        (
            row["network"],
            norms[row["norm"]].format(
                float(row["epsilon"]) * (255 if row["norm"] == "linf" else 1)
            ),
            row["attack"],
            *(row[side] for side in ("ours", "torchattacks", "both")),
        )
        for row in result_rows("cifar_attacks.csv")
    ]
    return table(("network", "budget", "attack", "hardiness", "torchattacks", "both"), rows)


def size_rows() -> str:
    """The size of every benchmark, then what its columns are."""
    sizes = size_table()
    notes = "".join(f"- {note}\n" for note in sizes.notes)
    return f"{table(sizes.heads, ([f'`{row[0]}`', *row[1:]] for row in sizes.rows))}\n{notes}"


def command_table() -> str:
    """Every command of the command line, but for the words that another must follow."""
    rows = [
        (f"`hardiness {words}`", text)
        for words, text in COMMANDS.items()
        if not is_group(words)
    ]
    return table(("command", "what it does"), rows)


def is_group(words: str) -> bool:
    """Whether it is no command by itself, as ``list``."""
    return isinstance(command_of(words), click.Group)


DEFAULT = re.compile(
    r"(.*?)(?:\s*\[(?:default: ([^\]]*?))?;? ?(?:x>=([\d.]+))?(?:; )?(required)?\])?", re.DOTALL
)
"""The help of an option as click writes it: a sentence, then default, least value and whether it must be given."""


def option_sections() -> str:
    """Every command with its line of usage and its options: a heading for each option, which the search finds."""
    program = click.Context(cli, info_name="hardiness")
    sections = [
        option_section("hardiness", "The options that stand before a command.", program)
    ]
    for words, text in COMMANDS.items():
        if not is_group(words):
            command = command_of(words)
            context = click.Context(
                command, program, info_name=words, **command.context_settings
            )
            sections.append(option_section(f"hardiness {words}", text, context))
    return "\n".join(sections)


def option_section(words: str, text: str, context: click.Context) -> str:
    """A command: what it does, its line of usage, its options as ``--help`` has them."""
    command = context.command
    pieces = " ".join(dict.fromkeys(command.collect_usage_pieces(context)))
    lines = [f"## {words}", "", text, "", f"`{words} {pieces}`", ""]
    for option in command.params:
        if isinstance(option, click.Option) and (record := option.get_help_record(context)):
            name, sentence, default, least, required = (
                record[0],
                *DEFAULT.fullmatch(record[1]).groups(),
            )
            anchor = f"{words.replace(' ', '-').removeprefix('hardiness-')}{max(option.opts, key=len)}"
            extra = [f"By default `{default}`."] * (default not in (None, '""')) + [
                f"At least {least}."
            ] * bool(least)
            heading = f'<h3 id="{anchor}"><a href="#{anchor}"><code>{html.escape(name)}</code></a></h3>'
            lines += [
                heading,
                "",
                " ".join([sentence, *extra, *["It must be given."] * bool(required)]),
                "",
            ]
    return "\n".join(lines)


def group_table() -> str:
    """The groups of commands, as ``hardiness --help`` shows them."""
    rows = [
        (group.lower(), ", ".join(f"`{name}`" for name in names))
        for group, names in GROUPS.items()
    ]
    return table(("to", "commands"), rows)


DECISION = re.compile(r"# (.*)\n\n\*Decided on (\d{4}-\d\d-\d\d): (.*)\.\*\n")
"""How a page of a decision begins: its title, then its date and what was decided, in one line."""


def decision_table() -> str:
    """Every decision with its date, by title."""
    rows = []
    for page in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        if page.name == "README.md":
            continue
        found = DECISION.match(page.read_text("utf-8"))
        if not found:
            raise SystemExit(
                f"{page.name} must begin: a title, then *Decided on YYYY-MM-DD: what was decided.*"
            )
        title, date, text = found.groups()
        rows.append((f"[{title}]({page.name})", date, text))
    return table(("page", "decided", "in one line"), rows)


QUESTION = re.compile(r"\A# (.*)\n\n\*([^*]+\?)\*\s")
"""How a page begins: its title, which the menu and the search show, then the question that it answers."""


def title_and_question(page: str) -> tuple[str, str]:
    """The heading of a page of the site, and its question; a page without them is an error."""
    opening = QUESTION.match(re.sub(r"\A<!--.*?-->\s*", "", text_of(page), flags=re.DOTALL))
    if not opening:
        raise SystemExit(
            f"docs/{page} must begin: # Title, an empty line, *Its question?* and then the answer"
        )
    title, question = opening.groups()
    return title, " ".join(question.split())


def text_of(page: str) -> str:
    """The text of a page, or the first cell of the notebook that the site makes a page of."""
    file = ROOT / "docs" / source_of(page)
    if file.suffix == ".md":
        return file.read_text("utf-8")
    return "".join(json.loads(file.read_text("utf-8"))["cells"][0]["source"])


def source_of(page: str) -> str:
    """The file, below docs, that a page of the site is made of: itself, or a notebook."""
    notebook = Path(page).with_suffix(".ipynb")
    return str(notebook) if (ROOT / "docs" / notebook).exists() else page


def doors() -> Mapping[str, Mapping[str, list[str]]]:
    """The doors of the site, each with its groups of pages; pages of no group stand under an empty name.

    A group that begins with a page of its own, as that of the decisions, is that page.
    """
    groups_by_door: dict[str, dict[str, list[str]]] = {}
    for door in yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"][1:]:
        ((name, entries),) = door.items()
        groups = groups_by_door[name] = {}
        for entry in entries:
            ((group, pages),) = entry.items() if isinstance(entry, dict) else (("", [entry]),)
            if isinstance(entry, dict) and has_page(entry):
                group, pages = "", pages[:1]
            groups.setdefault(group, []).extend(first_page(page) for page in pages)
    return groups_by_door


def has_page(group: Mapping[str, list[str]]) -> bool:
    """Whether a group of pages begins with a page about the group."""
    return any(Path(pages[0]).name in ("README.md", "index.md") for pages in group.values())


def first_page(entry: str | Mapping[str, list[str]]) -> str:
    """The page of an entry of the navigation: of a group the page that it begins with."""
    return entry if isinstance(entry, str) else next(iter(entry.values()))[0]


def page_list(door: str) -> str:
    """The pages behind a door of the site with their questions, as the menu has them; groups of pages as cards."""
    groups = {name: "".join(map(line_of_page, pages)) for name, pages in doors()[door].items()}
    if [*groups] == [""]:
        return groups[""]
    cards = [
        f"- **{name}**\n\n{textwrap.indent(lines, '    ')}" for name, lines in groups.items()
    ]
    return '<div class="grid cards" markdown>\n\n' + "\n".join(cards) + "\n</div>\n"


def line_of_page(page: str) -> str:
    """An item of a list: the page's title as a link, and its question."""
    title, question = title_and_question(page)
    return f"- [{title}]({source_of(page)}): {question}\n"


LIKELY_ERRORS = {
    "no model: name one with -m": "Name at least one model; a suite of your own may name them instead.",
    "nothing to run: name a benchmark": "Name a benchmark or a suite; `hardiness list benchmarks` lists them.",
    "option … of benchmark … is given twice": "Leave one of the two out.",
    "benchmark … has no option": "The line ends with the nearest name; `hardiness list benchmarks NAME` shows all.",
    "must be a folder, a tar or shards, but": "Check the path; `hardiness data list` says what is found.",
    "must hold the class folders, but they lie in": "Name the folder one level deeper, or move the class folders up.",
    "no data set was found under": "Set `--data`, or `HARDINESS_DATA`, to the folder in which `imagenet/val` lies.",
    "cannot be fetched without an account": "Register where the line says, fetch it, and use `hardiness data import`.",
    "brings no preprocessing, and a view is never guessed": "State mean, std and size as they were in training.",
    "use a model and a data set with the same classes": "A network with its own classes needs a folder of these.",
    "has no class …, which is a": "Name the folders after the network's classes.",
    "no checkpoint that can be read safely": "Save `model.state_dict()`; a pickled model runs code when it is read.",
    "does not fit the network": "Often a prefix (`module.`), or another number of classes.",
    "brings a normalisation of its own": "State the mean and std of the checkpoint behind the model's name.",
    "has no gradients (": "Attack it through a surrogate (`blackbox`), or load the network in torch.",
    "onnx: models need onnxruntime": "Install the extra that the line names.",
    "forbids to download it; put": "Unset `HARDINESS_OFFLINE`, or put the file where the line says.",
    "frost needs the published picture": "Run `hardiness data get frost` once.",
    "holds no records/ folder": "Give the folder that an earlier `hardiness run --out` wrote.",
    "install one version for every worker": "All workers of one folder must run the same version of hardiness.",
}
"""Twenty errors that newcomers meet: a part of each message as it stands in the source, and what to do."""


def messages() -> Iterator[str]:
    """Every text in the source, its placeholders as dots."""
    for file in sorted(Path(hardiness.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value if isinstance(part, ast.Constant) else "…"
                    for part in node.values
                )


def error_table() -> str:
    """Likely errors as they are printed, with what to do."""
    known, rows = list(messages()), []
    for part, advice in LIKELY_ERRORS.items():
        found = max((message for message in known if part in message), key=len, default=None)
        if found is None:
            raise SystemExit(
                f"no message of the source holds {part!r}; it stands in LIKELY_ERRORS of docs/write.py"
            )
        rows.append((f"`{re.sub('…+', '…', found)}`", advice))
    return table(("the line says", "what to do"), rows)


API = {
    "evaluate": (),
    "models": ("models", "core.ModelSpec", "core.Source"),
    "data": (
        "data",
        "imaging",
        "reference",
        "core.DataRoot",
        "core.DataSet",
        "core.File",
        "core.Image",
        "core.Item",
    ),
    "corruptions": ("distortions",),
    "attacks": ("attacks",),
    "results": (
        "store",
        "core.CheckOutcome",
        "core.Fact",
        "core.Interval",
        "core.Metric",
        "core.Records",
        "core.Run",
        "core.Spread",
        "core.Trust",
    ),
    "compare": (),
    "gate": (),
    "report": (),
    "benchmarks": (
        "benchmarks",
        "core.CANVAS_224",
        "core.Benchmark",
        "core.Canvas",
        "core.Expansion",
        "core.Selection",
    ),
    "metrics": ("metrics", "statistics", "core.RIGHT", "core.ImageTable"),
    "features": ("visualise",),
    "errors": (
        "core.ArgumentError",
        "core.DataError",
        "core.HardinessError",
        "core.ModelError",
        "core.PictureFault",
        "core.SampleError",
    ),
}
"""The pages of the API reference, each with the packages, or names of packages, that belong to its subject."""


def offered(subject: str) -> Mapping[str, list[str]]:
    """Names that packages offer to people outside on a subject, by package; those of `hardiness` are left out."""
    names: dict[str, list[str]] = {}
    for entry in API[subject]:
        package, _, name = entry.partition(".")
        for each in [name] if name else importlib.import_module(f"hardiness.{package}").__all__:
            if each not in hardiness.__all__:
                names.setdefault(package, []).append(each)
    return names


def api_sections(subject: str) -> str:
    """A section for each package with names of that subject; the site adds their signatures and docstrings."""
    sections = []
    for package, names in offered(subject).items():
        text = (
            importlib.import_module(f"hardiness.{package}").__doc__
            if package in API[subject]
            else ""
        )
        entries = "\n".join(f"### {name}\n\n::: hardiness.{package}.{name}\n" for name in names)
        sections.append(
            f"## hardiness.{package}\n\n{f'{text}{chr(10)}{chr(10)}' if text else ''}{entries}"
        )
    return "\n".join(sections)


def api_names() -> str:
    """Every name of the API by subject, each in its first words; a name's former address leads to its line."""
    sections = []
    for subject in API:
        page = f"api/{subject}.md"
        text = (ROOT / "docs" / page).read_text("utf-8")
        own = [
            name
            for name in re.findall(r"^## (\w+)$", text, re.MULTILINE)
            if name in hardiness.__all__
        ]
        names = [f"hardiness.{name}" for name in own]
        for package, offers in offered(subject).items():
            names += [f"hardiness.{package}.{name}" for name in offers]
        anchors: list[str] = []
        for name in names:
            anchor = name.rpartition(".")[2].lower()
            anchors.append(f"{anchor}_{anchors.count(anchor)}" if anchor in anchors else anchor)
        rows = [
            api_row(name, f"{subject}.md#{anchor}")
            for name, anchor in zip(names, anchors, strict=True)
        ]
        sections.append(
            f"## {title_and_question(page)[0]}\n\n{table(('name', 'what it is'), rows)}"
        )
    return "\n".join(sections)


def api_row(name: str, address: str) -> tuple[str, str]:
    """A name of the API as a link with its former addresses, and the first words of its docstring."""
    package, _, own = name.rpartition(".")
    thing = getattr(importlib.import_module(package), own)
    is_described = inspect.isclass(thing) or inspect.isroutine(thing)
    text = (
        (inspect.getdoc(thing) or "").split("\n\n")[0]
        if is_described
        else f"A `{type(thing).__name__}`."
    )
    former = [name, own] if package == "hardiness" else [name]
    links = "".join(f'<a id="{anchor}"></a>' for anchor in former)
    return f"{links}[`{name.removeprefix('hardiness.')}`]({address})", " ".join(
        text.split()
    ).replace("|", "\\|")


def limit_list() -> str:
    """Limits of the numbers: a sentence, then a list."""
    lead = " ".join(limit.text for limit in limits() if limit.lead)
    rows = [
        textwrap.fill(
            f"- {limit.text}",
            120,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for limit in limits()
        if not limit.lead
    ]
    return "\n".join([textwrap.fill(lead, 120), "", *rows, ""])


def about_example() -> str:
    """The file that a person writes beside an evidence file."""
    return f'```toml title="about.toml"\n{EXAMPLE}```\n'


def clause_rows() -> str:
    """Each clause with the sections of the evidence file that speak to it, and what no such file has."""
    clauses, titles = clause_table(), {name: title.lower() for name, title in SECTIONS.items()}
    read = {each.id: each.read for each in clauses.sources}
    rows = [
        (
            f"{each.source} {each.clause}",
            each.asks,
            "; ".join(titles[name] for name in each.sections) or "none",
            each.lacks or "nothing known",
            read[each.source],
        )
        for each in clauses.clauses
    ]
    sources = [
        f"- **{each.id}**: [{each.title}]({each.where}).{f' {each.note}' if each.note else ''}\n"
        for each in clauses.sources
    ]
    heads = (
        "clause",
        "it asks, in our own words",
        "sections that speak to it",
        "not in such a file",
        "read for this row",
    )
    return f"{clauses.statement} Version {clauses.version}.\n\n{table(heads, rows)}\n{''.join(sources)}"


FILES: Mapping[str, Callable[[], bytes]] = {
    f"docs/{SCHEMA}": evidence_schema_json,
    f"src/hardiness/reference/{SCHEMA}": evidence_schema_json,
}
"""Whole files that are made from the code."""

TABLES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"benchmarks": paper_table, "commands": group_table},
    **{
        f"docs/api/{subject}.md": {f"names of {subject}": partial(api_sections, subject)}
        for subject in API
    },
    "docs/api/index.md": {"names": api_names},
    "docs/attacks.md": {"attacks": attack_table},
    "docs/commands.md": {"commands": command_table},
    "docs/decisions/README.md": {"decisions": decision_table},
    "docs/errors.md": {"errors": error_table},
    "docs/evidence.md": {"about": about_example, "clauses": clause_rows},
    "docs/index.md": {f"pages of {door}": partial(page_list, door) for door in doors()},
    "docs/limits.md": {"limits": limit_list},
    "docs/models.md": {"models": model_table},
    "docs/options.md": {"options": option_sections},
    "docs/numbers.md": {"metrics": metric_table},
    "docs/own_data.md": {"own pictures": own_pictures_table},
    "docs/protocols.md": {"benchmarks": benchmark_table},
    "docs/sizes.md": {"sizes": size_rows},
    "docs/small_pictures.md": {
        "networks": cifar_table,
        "answers": cifar_answer_table,
        "attacks": cifar_attack_table,
    },
}
"""By page, then by the name of the block."""


def with_block(page: str, name: str, text: str) -> str:
    """The page with the block of that name replaced; a page without it is an error."""
    pattern = re.compile(rf"<!-- made: {name} -->\n.*?<!-- end: {name} -->\n", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(
            f"there is no <!-- made: {name} --> … <!-- end: {name} --> to write into"
        )
    return pattern.sub(lambda _: BLOCK.format(name=name, text=text), page)


def written(page: str) -> str:
    """What a page should be, from what the code is."""
    text = (ROOT / page).read_text("utf-8")
    for name, make in TABLES.get(page, {}).items():
        text = with_block(text, name, make())
    return text


def demo(out: Path) -> str:
    """The overview of the demo, which is run into the folder where that is not there yet."""
    if not out.exists():
        command = [
            sys.executable,
            "-m",
            "hardiness",
            "run",
            "--suite",
            "demo",
            "--out",
            str(out),
            "--quiet",
        ]
        subprocess.run(command, check=True)
    store = Store.open(out)
    return printed(
        scorecard_tables(Folder.open(store).results, kept_comparisons(Folder.open(store))),
        COLUMNS,
    )


def write_first_screens(out: Path) -> None:
    """Take a picture of the first screen of the demo's page, on a light and on a dark screen, with Chromium."""
    from playwright.sync_api import sync_playwright

    page = Path(hardiness.write_report(out)).resolve()
    with sync_playwright() as playwright:
        chromium = next(
            filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
            None,
        )
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme, end in (("light", ""), ("dark", "_dark")):
            context = browser.new_context(
                viewport={"width": 1280, "height": 900}, color_scheme=scheme
            )
            tab = context.new_page()
            tab.goto(page.as_uri())
            box = tab.locator("header.screen").bounding_box()
            clip = {
                "x": 64,
                "y": 0,
                "width": 1152,
                "height": round(box["y"] + box["height"]) + 8,
            }
            tab.screenshot(path=ROOT / "docs" / "pictures" / f"report{end}.png", clip=clip)
            context.close()
        browser.close()


def modern(out: Path) -> str:
    """The overview that ``hardiness show`` prints of both models on the suite `modern`."""
    store = Store.open(out)
    found = Folder.open(store).results
    if {result.model for result in found} != set(MODERN_MODELS):
        raise SystemExit(
            f"{out} must hold {' and '.join(MODERN_MODELS)}; run the commands of {MODERN} first"
        )
    return printed(scorecard_tables(found, kept_comparisons(Folder.open(store))), COLUMNS)


def points(value: float, digits: str = "+.2f") -> str:
    """A share in percent."""
    return f"{100 * value:{digits}}"


def differences(out: Path) -> str:
    """How EfficientNet-Lite0 differs from two other models by the first score of each benchmark."""
    first, rows = "efficientnet_lite0", []
    for benchmark in hardiness.compare(out, first, "efficientnet_lite2", "squeezenet1_1"):
        score = benchmark.scores[0]
        for (one, other), found in score.pairs.items():
            if one == first and found.interval is not None and found.detectable is not None:
                ends = f"{points(found.interval.low)} … {points(found.interval.high)}"
                told, least = (
                    "yes" if found.is_told_apart else "no",
                    points(found.detectable, ".2f"),
                )
                of_both = f"{points(score.values[one], '.2f')} and {points(score.values[other], '.2f')}"
                name = f"{score.title}, {score.n} images"
                rows.append(
                    (name, f"`{other}`", of_both, points(found.value), ends, told, least)
                )
    head = (
        "score, points",
        "Lite0 and …",
        "values",
        "difference",
        "95 %",
        "told apart?",
        "this n tells",
    )
    return table(head, rows)


def movements(out: Path) -> str:
    """What each setting moves the scores of EfficientNet-Lite0 by, a setting a row."""
    (record,) = (out / "noise").glob("*.json")
    moved: dict[str, dict[str, tuple[str, int]]] = {}
    usual: dict[str, float] = {}
    for each in json.loads(record.read_text("utf-8"))["moved"]:
        low, high = each["interval"] or (each["value"], each["value"])
        ends = f" ({points(low)} … {points(high)})" if high > low else ""
        usual[each["title"]] = each["usual"]
        setting = f"{each['factor']}: {each['setting']}"
        moved.setdefault(setting, {})[each["title"]] = (
            points(each["value"]) + ends,
            each["otherwise"],
        )
    head = [
        "varied",
        *(f"{title} {points(value, '.2f')}" for title, value in usual.items()),
        "answered otherwise",
    ]
    rows = [
        [setting, *(cells[title][0] for title in usual), str(next(iter(cells.values()))[1])]
        for setting, cells in moved.items()
    ]
    return table(head, rows)


def stale_figures(option: str, out: Path) -> list[str]:
    """The figures of that option's page that are not those of the run, copied."""
    found = []
    for source, copy in FIGURES.get(option, {}).items():
        drawn = (out / source).read_bytes()
        if not (ROOT / copy).exists() or (ROOT / copy).read_bytes() != drawn:
            (ROOT / copy).write_bytes(drawn)
            found.append(copy)
    return found


def printed(tables: Iterable[object], columns: int) -> str:
    """Tables of a terminal of that width, as a block of Markdown."""
    stream = io.StringIO()
    console = Console(file=stream, width=columns)
    for each in tables:
        console.print(each)
        console.print()
    lines = "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())
    return f"```\n{lines}\n```\n"


def example_output(command: str, out: Path) -> str:
    """The output of a command of the example of docs/slices.md, as a block of Markdown; the first call runs all."""
    return f"```\n{example_outputs(out)[command]}\n```\n"


@cache
def example_outputs(out: Path) -> Mapping[str, str]:
    """The outputs of the example's commands by their first words, in a new folder that its files are written into."""
    out.mkdir(parents=True)
    example = (ROOT / SLICES).read_text("utf-8").partition("\n## An example\n")[2]
    for name, text in re.findall(
        r'^```\w+ title="(\S+)"\n(.*?)^```$', example, re.MULTILINE | re.DOTALL
    ):
        (out / name).write_text(text)
    outputs = {}
    for line in re.findall(
        r"^((?:python|hardiness) .*)$", re.sub(r"\\\n\s*", "", example), re.MULTILINE
    ):
        program, *words = shlex.split(line)
        start = [sys.executable] if program == "python" else [sys.executable, "-m", "hardiness"]
        process = subprocess.run(
            [*start, *words],
            cwd=out,
            env={**os.environ, "COLUMNS": str(COLUMNS)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if process.returncode not in (0, 3, 4):
            raise SystemExit(f"{line}: ended with {process.returncode}")
        lines = [text.rstrip() for text in process.stdout.strip().splitlines()]
        if words[0] == "show":  # what stands below the table of all pictures
            lines = lines[next(at for at, text in enumerate(lines) if " by " in text) :]
        outputs[words[0]] = "\n".join(lines)
    return outputs


def run_notebook(notebook: dict[str, Any]) -> None:
    """Run the cells of a notebook one after the other, and put what each prints, and its last value, below it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(
        (cell for cell in notebook["cells"] if cell["cell_type"] == "code"), 1
    ):
        *statements, last = ast.parse("".join(cell["source"])).body
        value, printed_text = None, io.StringIO()
        with redirect_stdout(printed_text):
            if isinstance(last, ast.Expr):
                exec(compile(ast.Module(statements, []), "cell", "exec"), names)
                value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
            else:
                exec(compile(ast.Module([*statements, last], []), "cell", "exec"), names)
        cell["execution_count"], cell["outputs"] = number, []
        if text := printed_text.getvalue():
            cell["outputs"].append(
                {
                    "name": "stdout",
                    "output_type": "stream",
                    "text": text.splitlines(keepends=True),
                }
            )
        if hasattr(value, "_repr_png_"):  # as Jupyter shows a picture of Pillow's
            drawn = base64.b64encode(value._repr_png_()).decode()
            size = [f"<picture of {value.width} x {value.height} pixels>"]
            kind = {"output_type": "execute_result", "execution_count": number, "metadata": {}}
            cell["outputs"].append({**kind, "data": {"image/png": drawn, "text/plain": size}})
        elif value is not None:
            data = {
                "text/plain": pprint.pformat(value, width=COLUMNS, sort_dicts=False).splitlines(
                    keepends=True
                )
            }
            kind = {"output_type": "execute_result", "execution_count": number, "metadata": {}}
            cell["outputs"].append({**kind, "data": data})


def write_notebooks() -> None:
    """Run every notebook of the documentation and write it with its outputs."""
    for file in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        notebook = json.loads(file.read_text("utf-8"))
        run_notebook(notebook)
        file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(f"wrote {file.name}")


RUNS: Mapping[str, Mapping[str, Mapping[str, Callable[[Path], str]]]] = {
    "--demo": {"docs/index.md": {"demo": demo}},
    "--modern": {MODERN: {"modern": modern}},
    "--four": {"docs/compare.md": {"four": differences, "noise": movements}},
    "--slices": {
        SLICES: {
            f"slices {word}": partial(example_output, word)
            for word in ("show", "compare", "gate")
        }
    },
    "--gallery": {},
}
"""By option: pages, and what makes each of their blocks of an output folder."""


def main(arguments: list[str]) -> int:
    """Write the pages, or check them."""
    if arguments == ["--notebooks"]:
        write_notebooks()
        arguments = []
    of_run = RUNS.get(arguments[0]) if len(arguments) == 2 else None
    if arguments and arguments != ["--check"] and of_run is None:
        raise SystemExit(__doc__)
    stale: list[str] = []
    for page in dict.fromkeys((*TABLES, *(of_run or ()))):
        text = written(page)
        for name, make in (of_run or {}).get(page, {}).items():
            text = with_block(text, name, make(Path(arguments[1])))
        if text != (ROOT / page).read_text("utf-8"):
            stale.append(page)
            if arguments != ["--check"]:
                (ROOT / page).write_text(text, "utf-8")
    for name, make_file in FILES.items():
        file, content = ROOT / name, make_file()
        if not file.exists() or file.read_bytes() != content:
            stale.append(name)
            if arguments != ["--check"]:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
    if of_run is not None:
        stale += stale_figures(*arguments[:1], Path(arguments[1]))
    if arguments[:1] == ["--demo"]:
        write_first_screens(Path(arguments[1]))
    if arguments == ["--check"]:
        print(f"stale, run make docs: {', '.join(stale)}" if stale else "every table is fresh")
        return 1 if stale else 0
    print(f"wrote {', '.join(stale)}" if stale else "nothing to write: every table is fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
