"""``report.html``: one page that explains itself, with nothing to load from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from hardiness.benchmarks.card import benchmark_type
from hardiness.benchmarks.leaderboard import names_of
from hardiness.core.errors import SampleError, StoreError
from hardiness.core.result import PARTIAL, Result, Score, TextTable, doubtful, trust
from hardiness.core.run import spelled
from hardiness.core.section import Chart, Heat, ModelSentence
from hardiness.imaging.by_pillow import pillow_alone
from hardiness.imaging.codecs import decode, encode_jpeg
from hardiness.reference.files import reference_file
from hardiness.reference.published_numbers import PublishedNumber, published, published_for
from hardiness.report import format as formatting
from hardiness.report.beside import MeasuredNumbers, difference, from_few, published_peers, with_figure, with_ladder
from hardiness.report.figures import NARROW_PX, PAPER_PX, WIDE_PX
from hardiness.report.figures.charts import caption_of, draw
from hardiness.report.figures.sheet import Inks, Sheet, shade
from hardiness.report.figures.writers import document, icon, inline, pdf, png, rules, symbols
from hardiness.report.pictures import FeatureGrid, PictureOf, Wall, boards, walls
from hardiness.report.sections import (
    DEMO,
    BenchmarkSection,
    Declared,
    PlaceRange,
    caveat,
    overlaps,
    score_of,
    scorecard,
    sections,
    touched,
    training_sentence,
)
from hardiness.results.compared import comparison_view
from hardiness.results.comparison import BenchmarkComparison
from hardiness.results.runs import typed_option
from hardiness.statistics.comparison import FEWEST
from hardiness.store.files import Files


@dataclass(frozen=True, slots=True)
class Citation:
    """One paper: what it is cited for, and its BibTeX entry."""

    key: str
    text: str
    bibtex: str
    reasons: tuple[str, ...]


def citations(shown: Sequence[BenchmarkSection]) -> list[Citation]:
    """The papers behind what was run, each once with the benchmarks, protocols and models it stands for."""
    reasons: dict[str, list[str]] = {}
    for each in shown:
        for result in each.results:
            names = (result.benchmark, f"protocol {result.protocol}", result.run.model.name)
            for name in names:
                for key in _table()["cited_for"].get(name, ()):
                    told = reasons.setdefault(key, [])
                    if name not in told:
                        told.append(name)
    return [
        Citation(key, paper["text"], _bibtex(key, paper), tuple(reasons[key]))
        for key, paper in _table()["papers"].items()
        if key in reasons
    ]


def _bibtex(key: str, paper: dict[str, Any]) -> str:
    arxiv = {"eprint": paper["arxiv"], "archivePrefix": "arXiv"} if "arxiv" in paper else {}
    printed = {} if arxiv else {"booktitle": paper["booktitle"]}
    fields = {"title": f"{{{paper['title']}}}", "author": paper["author"], "year": paper["year"], **arxiv, **printed}
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{'misc' if arxiv else 'inproceedings'}{{{key},\n{lines}\n}}"


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reference_file("papers.json").read_text("utf-8"))
    return found


_NO_OPTIONS = frozenset(("kernels", "surrogate_sha256"))
"""What stands among the options of a benchmark in ``run.json`` and cannot be chosen."""


def commands_of(result: Result, every: Sequence[Result] = ()) -> list[str]:
    """The commands that make the same scores in whatever folder they are given; none where nothing was run.

    Args:
        result: whose.
        every: results among which is that of the model which its ratios divide by, if they divide by a stored one:
            that model's commands come first.

    There are several where the rows came of several requests of which none includes the others, e.g. one corruption
    after another. What a Python program computed with a module of its own has none.
    """
    if result.measured.get("published"):
        return []
    own, base = _own_commands(result), result.measured.get("baseline", {}).get("run", result.key)
    before = [] if base == result.key else [line for each in every if each.key == base for line in _own_commands(each)]
    return list(dict.fromkeys((*before, *own)))


def _own_commands(result: Result) -> list[str]:
    """The commands that evaluate one result's rows."""
    sessions = [session for session in result.measured.get("sessions", ()) if session.get("rows")]
    asked = [session for session in sessions if "asked" in session]
    if not asked:
        limits = [session.get("limit") for session in sessions]
        return [_reconstructed(result, None if None in limits else max(limits, default=None))]
    found: dict[tuple[str, ...], int | None] = {}
    for session in asked:
        if "model" not in session["asked"]:
            continue
        command, limit = _typed(result, session["asked"]), session.get("limit")
        known = found.get(command, 0)
        found[command] = None if limit is None or known is None else max(limit, known)
    return [_with_limit(command, limit) for command, limit in found.items()]


def _typed(result: Result, asked: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of a command as its session kept them."""
    parts = ["hardiness", "run", "-m", asked["model"], "-b", asked["benchmark"]]
    for each in asked["data"]:
        parts += ["--data", each]
    parts += _common(result)
    if asked.get("precision_target") is not None:
        parts += ["--precision-target", f"{asked['precision_target']:g}"]
    if asked.get("until_decided") is not None:
        parts += ["--until-decided", asked["until_decided"]]
    if asked.get("time_budget_s") is not None:
        parts += ["--time-budget", f"{asked['time_budget_s']:g}s"]
    return (asked.get("folder", ""), *parts)


def _with_limit(command: Sequence[str], limit: int | None) -> str:
    folder, *parts = command
    text = shlex.join(parts if limit is None else [*parts, "--limit", str(limit)])
    return f"cd {shlex.quote(folder)} && {text}" if folder else text


def _reconstructed(result: Result, limit: int | None) -> str:
    """A command from what changes rows, where an earlier version kept no more."""
    run = result.run
    options = ",".join(text for name, value in run.benchmark.options.items() if (text := _option(name, value)))
    model_options = ",".join(f"{name}={spelled(value)}" for name, value in run.model.options.items())
    model = f"{run.model.name}{':' + model_options if model_options else ''}"
    benchmark = f"{run.benchmark.name}{':' + options if options else ''}"
    parts = ["hardiness", "run", "-m", model, "-b", benchmark]
    if result.run.data.is_embedded:
        parts += ["--data", "embedded"]
    elif result.plan.location:
        parts += ["--data", data_argument(result)]
    return _with_limit(["", *parts, *_common(result)], limit)


def data_argument(result: Result) -> str:
    """The value of ``--data`` that names the data of a run, as far as its plan says."""
    if benchmark_type(result.run).is_own:
        return f"own={result.plan.location}"
    name, classes = ("imagenet", ":classes=folders") if result.run.data.is_own else (result.run.data.name, "")
    return f"{name}={result.plan.location}{classes}"


def _common(result: Result) -> list[str]:
    parts = ["--seed", str(result.run.seed)] if result.run.seed else []
    base = result.measured.get("baseline")
    return [
        *parts,
        *(["--precision", result.run.precision] if result.run.precision != "fp32" else []),
        *(["--baseline", base["model"]] if base else []),
    ]


def _option(name: str, value: Any) -> str:
    """An option as a command line has it; nothing where it says nothing."""
    if name in _NO_OPTIONS or value in ([], (), None, ""):
        return ""
    if name.endswith("_options"):  # of an attack, each under its own name
        return ",".join(f"{each}={spelled(given)}" for each, given in value)
    return typed_option(name, value)


def sessions_of(result: Result) -> list[Mapping[str, Any]]:
    """How it was computed, session by session: pairs that fit in a line."""
    return [
        {name: value for name, value in flatten(session) if value not in (None, "", {}, [])}
        for session in ({**each, "asked": None} for each in result.measured.get("sessions", ()))
    ]


def flatten(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Nested values as pairs of name and value, inner ones under the names of both; numbers in six digits."""
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{before}{name} ")
        else:
            shown = f"{value:,.6g}" if isinstance(value, float) else value
            pairs.append((f"{before}{name}".replace("_", " "), shown))
    return pairs


WIDE = 0.10
"""Width of an interval above which n is called too small for most differences between models."""


WARNINGS = {"demo-sized": "data", "a part of": "data", "top-1 is": "clean accuracy"}
"""What warnings are about, by how they begin."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it found something, why, what to do about it, and whether it ran at all."""

    name: str
    raised: bool
    reason: str
    advice: str = ""
    ran: bool = True


def checks(result: Result, shown: BenchmarkSection, declared: Declared | None = None) -> list[Check]:
    """The checks of one result, those that found something first.

    Args:
        result: one of a section's.
        shown: the section.
        declared: what models were trained with, as their user says.
    """
    if result.measured.get("published"):
        return [Check("published", False, "a published number; nothing was run here")]
    found = [
        *_completeness(result),
        *_size(result, shown),
        *_differences(result, shown),
        *_runtime(result),
        *_training(result, declared or {}),
        *(Check(_about(warning), True, warning) for warning in result.warnings if not warning.startswith("partial:")),
        *(Check(finding.name, finding.raised, finding.sentence, ran=finding.ran) for finding in result.findings),
    ]
    return sorted(found, key=lambda check: not check.raised)


def _completeness(result: Result) -> Iterator[Check]:
    counts, conditions = result.counts, len(result.plan.whole)
    what = "image-cells" if conditions > 1 else "pictures"
    times = f" ({counts.expected // conditions:,} pictures x {conditions:,} conditions)" if conditions > 1 else ""
    if counts.complete:
        yield Check("complete", False, f"all {counts.expected:,} {what} of the data set were evaluated{times}")
    elif counts.expected:
        share = f"{counts.evaluated:,} of {counts.expected:,} {what} were evaluated{times}"
        limits = _limits(result)
        without = f"without {' and '.join(filter(None, [', '.join(limits[:-1]), limits[-1]]))}" if limits else "again"
        yield Check("complete", True, share, f"run the same command {without}: it continues where it stopped")
    if counts.failed:
        yield Check(
            "failures", True, f"{counts.failed:,} {what} failed", "see the list below, mend the files, run again"
        )
    elif counts.evaluated:
        yield Check("failures", False, "no picture failed")


_PICKS = frozenset(("corruptions", "severities", "perturbations", "difficulty"))
"""Options of benchmarks by which a command asks for some of the conditions."""


def _limits(result: Result) -> list[str]:
    """What in the commands of a result asked for less than everything, as it is typed."""
    sessions = result.measured.get("sessions", ())
    asked = [session.get("asked", {}) for session in sessions]
    options = [pair.partition("=")[0] for each in asked for pair in _options(each.get("benchmark", ""))]
    found = ["--limit"] if any(session.get("limit", 0) is not None for session in sessions) else []
    found += ["--precision-target"] if any(each.get("precision_target") is not None for each in asked) else []
    found += ["--until-decided"] if any(each.get("until_decided") is not None for each in asked) else []
    found += ["--time-budget"] if any(each.get("time_budget_s") is not None for each in asked) else []
    return [*found, *(f"{option}=" for option in dict.fromkeys(options) if option in _PICKS)]


def _options(benchmark: str) -> list[str]:
    return benchmark.partition(":")[2].split(",")


def _size(result: Result, shown: BenchmarkSection) -> Iterator[Check]:
    column = shown.section.headline
    score = score_of(result, column) if column else None
    if score is None or score.interval is None or score.unit != "fraction":
        return
    width = score.interval.high - score.interval.low
    text = f"n = {score.n:,}: the interval of {column.title if column else ''} is {100 * width:.0f} points wide"
    if width > WIDE:
        yield Check("sample size", True, f"{text}, so that smaller differences are not told apart", _more(score, width))
    else:
        yield Check("sample size", False, text)


def _more(score: Score, width: float) -> str:
    return f"about {round(score.n * (width / WIDE) ** 2):,} images would bring it to {100 * WIDE:.0f} points"


def _differences(result: Result, shown: BenchmarkSection) -> Iterator[Check]:
    """Whether n is large enough to tell this model from each other one by the score that stands for the section."""
    column = shown.section.headline
    found = shown.comparison(column) if column else None
    pairs = [(pair, each) for pair, each in (found.pairs if found else {}).items() if result.name in pair]
    scores = {each.name: score_of(each, column) for each in shown.results} if column else {}
    said = {name: score.doubt for name, score in scores.items() if score}
    if pairs and (doubt := said.get(result.name)):
        text = f"its number is {doubt}, so that no difference from another model is told"
        yield Check("difference", False, text, ran=False)
        return
    left_out = {name: doubt for name, doubt in said.items() if doubt and any(name in pair for pair, _ in pairs)}
    beside = f" (left out: {', '.join(f'{name}, {doubt}' for name, doubt in left_out.items())})" if left_out else ""
    pairs = [(pair, each) for pair, each in pairs if not left_out.keys() & set(pair)]
    open_ = [(pair, each) for pair, each in pairs if each.interval is not None and not each.is_told_apart]
    if open_:
        others = [(pair[1] if pair[0] == result.name else pair[0], each) for pair, each in open_]
        named = ", ".join(f"{other} ({100 * abs(each.value):.1f} points)" for other, each in others)
        tells = [each.detectable for _, each in open_ if each.detectable is not None]
        needs = f"; {open_[0][1].n:,} images tell {100 * max(tells):.1f} points" if tells else ""
        text = f"what it differs by from {named} is within chance{needs}{beside}"
        yield Check("difference", True, text, "more images; hardiness compare --power says how many")
    if pairs and not open_:
        yield Check("difference", False, f"it is told apart from every other model on the same images{beside}")
    if left_out and not pairs:
        yield Check("difference", False, f"there is no other model to tell it from{beside}", ran=False)


def _training(result: Result, declared: Declared) -> Iterator[Check]:
    """Whether the model was trained on what the benchmark tests, as far as that is known."""
    found = list(overlaps(result, declared))
    for recipe, members, is_declared in found:
        yield Check("training", True, *training_sentence(result.benchmark, recipe, members, is_declared))
    if not found and touched(result.benchmark):
        yield Check("training", False, "nothing is known of a training on what this benchmark tests")


def _about(warning: str) -> str:
    return next((name for begin, name in WARNINGS.items() if warning.startswith(begin)), "warning")


def _runtime(result: Result) -> Iterator[Check]:
    agreements = [session["agreement"] for session in result.measured.get("sessions", ()) if session.get("agreement")]
    for agreement in agreements[:1]:
        if agreement.get("fallback"):
            yield Check("runtime", True, str(agreement["fallback"]), "nothing: plain torch was used instead")
        elif agreement.get("n"):
            told = f"{100 * agreement['top1']:.0f} % of top-1 equal plain fp32 torch on {agreement['n']} images"
            yield Check(
                "runtime", agreement["top1"] < 1, told, "compare with --runtime torch" if agreement["top1"] < 1 else ""
            )


def trust_text(result: Result, checked: Sequence[Check]) -> str:
    """Whether a result is to be believed, in a word or two: ``yes``, ``3 doubts``, ``cannot tell``, or ``no: …``.

    Under attack the attack report goes first, by a verdict that it withdrew or that it cannot give.
    """
    said = trust(result.findings)
    if said not in ("", "yes"):
        return said
    return doubts_text(doubts(result, checked)) or "yes"


def doubts(result: Result, checked: Sequence[Check]) -> list[Check]:
    """The checks that cast doubt on the numbers; a verdict that is believed casts none, whatever it says."""
    certain = {each.name for each in result.findings} - {each.name for each in doubtful(result.findings)}
    return [check for check in checked if check.raised and check.name not in certain]


def doubts_text(raised: Sequence[Check]) -> str:
    """``1 doubt``, ``3 doubts``; empty for none."""
    return f"{len(raised)} doubt{'s' if len(raised) > 1 else ''}" if raised else ""


@dataclass(frozen=True, slots=True)
class TableCell:
    """One number: as text, its interval, its place on a scale from 0 to 1, its rank, what was published, its noise."""

    score: Score
    value: str
    interval: str
    rank: PlaceRange | None
    published: str
    source: str
    difference: str
    noise: float = 0.0
    noise_n: int = 0
    doubt: str = ""

    @property
    def noise_text(self) -> str:
        """How far the protocol itself moves it at least, in points; empty where no movement is known."""
        return f"at least ±{100 * self.noise:.2f} (n = {self.noise_n:,})" if self.noise else ""

    @property
    def scaled(self) -> bool:
        """Whether it can be drawn on the scale from 0 to 1."""
        interval = self.score.interval
        return self.score.unit == "fraction" and interval is not None and 0 <= interval.low <= interval.high <= 1


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model's numbers, ``None`` where it has none."""

    result: Result
    cells: tuple[TableCell | None, ...]

    @property
    def published(self) -> bool:
        """Whether any number of it was published."""
        return any(cell is not None and cell.published for cell in self.cells)


def rows_of(shown: BenchmarkSection) -> list[ModelRow]:
    """The rows of a section's table, in the order of its results."""
    columns = shown.section.columns
    places = [shown.places(column) if len(shown.results) > 1 else {} for column in columns]
    return [
        ModelRow(
            result,
            tuple(
                _cell(result, score, place.get(result.name)) if (score := score_of(result, column)) else None
                for column, place in zip(columns, places, strict=True)
            ),
        )
        for result in shown.results
    ]


def _cell(result: Result, score: Score, rank: PlaceRange | None) -> TableCell:
    if score.value is None:
        return TableCell(score, "undefined", "", None, "", "", "")
    known = _published(result, score)
    noise, noise_n = _noise(result, score)
    values = sorted({formatting.number(each.value, each.unit) for each in known})
    return TableCell(
        score=score,
        value=formatting.number(score.value, score.unit),
        interval=formatting.interval(score.interval, score.unit) if score.interval else "",
        rank=rank,
        published=" / ".join(values),
        source="; ".join(dict.fromkeys(each.source for each in known)),
        difference=difference(result, score, known),
        noise=noise,
        noise_n=noise_n,
        doubt=caveat(result, score),
    )


def _noise(result: Result, score: Score) -> tuple[float, int]:
    """How far the protocol itself moves the score at least, and on how many images; 0 and 0 where nothing is known."""
    wanted = (score.metric.removesuffix(PARTIAL), dict(score.condition))
    known = result.details.get("noise", ())
    found = next((n for n in known if (n["metric"].removesuffix(PARTIAL), n["condition"]) == wanted), None)
    return (found["noise"], found["n"]) if found else (0.0, 0)


def _published(result: Result, score: Score) -> Sequence[PublishedNumber]:
    """What was published of this number under the same protocol; nothing beside what was itself published."""
    if result.run.data.is_own or result.run.data.classes or result.measured.get("published"):
        return ()
    recognised = (
        each
        for name in names_of(result)[1:]
        for each in published(name, result.benchmark, score.metric, score.condition)
    )
    return [*published_for(result.run.model, result.benchmark, score.metric, score.condition), *recognised]


MOST = 6
"""Things that are said of a model at most."""

KIND = 10
"""Sections whose places share their tens are one kind of experiment."""

RULE = (
    "Each sentence takes, of every kind of experiment in the order of the paper, what its first section found, with "
    f"the number of images and, below {FEWEST}, the 95 % interval. "
    "The last words compare the model with the next one by the score that stands first in the overview. "
    "A lead is called within chance where a paired test on the same images does not tell the two apart (at 5 %)."
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was found of one model: the rest of a sentence that begins with its name."""

    model: str
    text: str


def summary(shown: Sequence[BenchmarkSection]) -> list[Sentence]:
    """A sentence for each model of which anything was found, in the order of their first section."""
    found: dict[str, dict[int, str]] = {}
    for each in shown:
        of = {result.name: result for result in each.results}
        for saying in each.section.sayings:
            text = f"{saying.text} ({_footing(saying, of[saying.model])}){f'; {saying.more}' if saying.more else ''}"
            found.setdefault(saying.model, {}).setdefault(each.section.place // KIND, text)
    leads = _leads(shown[0], len(shown) > 1) if shown else {}
    return [
        Sentence(model, _sentence_of(list(parts.values())[:MOST], leads.get(model, "")))
        for model, parts in found.items()
    ]


def _footing(saying: ModelSentence, result: Result) -> str:
    """How many images are behind what was found, whether they are a part, and what so few of them leave open."""
    score = saying.score
    n = score.n if score else result.counts.images
    parts = [f"n = {n:,}"]
    if not result.counts.complete:
        parts.append("partial")
    if trust(result.findings) == "cannot tell":
        parts.append("cannot tell")
    if n < FEWEST and score:
        bounds = formatting.interval(score.interval, score.unit) if score.interval else "unknown"
        parts.append(f"95 % interval of {saying.title}: {bounds}")
    return ", ".join(parts)


def _sentence_of(parts: Sequence[str], lead: str) -> str:
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return (
        f"{text}{f'; {lead}' if lead else ''}.".replace(" %", "\u00a0%")
        .replace("ε ", "ε\u00a0")
        .replace("n = ", "n\u00a0=\u00a0")
    )


def _leads(shown: BenchmarkSection, is_one_of_several: bool) -> dict[str, str]:
    """Of each model but the last, whether its lead over the next one in the first section is more than chance.

    The score is named, as the numbers before may be of others, and the section where there are more.
    """
    column = shown.section.headline
    if column is None:
        return {}
    known = [(result, score) for result in shown.results if (score := score_of(result, column))]
    scored = [(result, score) for result, score in known if score.interval and not score.doubt]
    scored.sort(key=lambda each: _value(each[1]), reverse=column.higher_is_better)
    found = {}
    where = f" on {shown.results[0].benchmark}" if is_one_of_several else ""
    for (better, score), (worse, other) in pairwise(scored):
        if _value(score) == _value(other):
            continue
        how = "more than chance" if shown.is_told_apart(column, better, worse) else "within chance"
        found[better.name] = f"by {column.title}{where}, its lead over {worse.name} is {how}"
    return found


def _value(score: Score) -> float:
    return score.value if score.value is not None else 0.0


WRITERS: Mapping[str, Callable[[Sheet], bytes]] = {
    "svg": lambda sheet: document(sheet).encode(),
    "pdf": pdf,
    "png": png,
}
"""From a drawing to a file, by its ending."""

FOLDER, LONGEST_STEM = "figures", 120


WIDTHS = {"": PAPER_PX, "--column": NARROW_PX}
"""Of figures as files, by what ends their names: two columns of a paper, and one."""


def sheets(shown: Sequence[BenchmarkSection], inks: Inks, ends: Sequence[str]) -> Iterator[tuple[str, Sheet]]:
    """The drawing of every chart in each width, with a name for its file, ``<benchmark>--<data>--<name>``.

    The data are left out where the benchmark is theirs.
    """
    for each in shown:
        first = each.results[0]
        for chart in each.section.charts:
            parts = dict.fromkeys([first.benchmark, first.data, *each.section.variant, chart.name])
            stem = re.sub(r"[^\w.-]+", "_", "--".join(parts))[:LONGEST_STEM]
            yield from ((f"{stem}{end}", draw(chart, WIDTHS[end], inks, titled=True)) for end in ends)


def write_figures(
    shown: Sequence[BenchmarkSection], inks: Inks, files: Files, endings: Sequence[str], ends: Sequence[str] = ("",)
) -> list[str]:
    """Write every chart that has changed, in the forms asked for, to the folder ``figures``; what was written.

    Args:
        shown: sections of a page.
        inks: of its models.
        files: where to write.
        endings: some of `WRITERS`.
        ends: some of `WIDTHS`.

    Raises:
        StoreError: disk full, no permission, or the folder is a file.
    """
    written = []
    for stem, sheet in sheets(shown, inks, ends):
        paths = {ending: f"{FOLDER}/{stem}.{ending}" for ending in sorted(endings, key=lambda ending: ending == "svg")}
        svg = document(sheet).encode()
        same = files.read(f"{FOLDER}/{stem}.svg") == svg
        for ending, path in paths.items():  # the SVG last: where it is the same, all that are there are
            if not same or not files.has(path):
                files.write(path, WRITERS[ending](sheet))
                written.append(path)
    return written


LISTED_FAILURES = 50
QUALITY = 70

PICTURES_MOST = 2_900_000
"""Bytes that the pictures of a page take at most, or a little more: a page that can be sent by mail."""

BAR_MOST = 28
"""Characters of a model's name in the bar; longer names are shortened."""

DIFFERENCES_MOST = 15
"""Differences of models that a table holds."""


@dataclass(frozen=True)
class PageOptions:
    """How a page is made.

    Attributes:
        picture_of: gives the photographs behind the numbers; ``None`` where none are wanted.
        images: whether the page holds any pixels: also the strips that show what a benchmark does.
        figures: the forms in which figures are written as files beside the page.
        column: whether each is also written at the width of one column of a paper, as ``NAME--column``.
        problems: lines about what could not be read.
        comparisons: of the models on the same images; places go by overlap of intervals without them.
        features: pictures of what units of the models respond to.
        declared: what models were trained with, as their user says.
        claims: the sentences of the paper, judged on the models.
        gates: what the last gate said of each folder, as tables.
    """

    picture_of: PictureOf | None = None
    images: bool = True
    figures: tuple[str, ...] = tuple(WRITERS)
    column: bool = False
    problems: tuple[str, ...] = ()
    comparisons: Sequence[BenchmarkComparison] = ()
    features: Sequence[FeatureGrid] = ()
    declared: Declared = field(default_factory=dict)
    claims: TextTable | None = None
    gates: Sequence[TextTable] = ()


def put_page(results: Sequence[Result], files: Files, name: str, title: str, options: PageOptions) -> None:
    """Write the page for these results, whole or not at all, and its figures as files beside it.

    Args:
        results: what to show, sorted by benchmark and data.
        files: where to write; figures go to the folder ``figures`` there.
        name: of the page.
        title: its heading.
        options: pictures and figures.

    Raises:
        StoreError: disk full, no permission, or ``figures`` is a file; the former page is left as it was.
    """
    shown = [from_few(with_ladder(with_figure(each))) for each in sections(results, options.comparisons)]
    inks = inks_of(shown)
    content = page(shown, title, inks, options).encode(errors="backslashreplace")  # names that are no UTF-8
    write_figures(shown, inks, files, options.figures, tuple(WIDTHS) if options.column else ("",))
    files.write(name, content)


def inks_of(shown: Sequence[BenchmarkSection]) -> Inks:
    """The models of all sections, in the order of the overview."""
    return Inks.for_models(result.name for each in shown for result in each.results)


@cache
def _environment() -> Environment:
    """The templates, which take longer to compile than a page of a few models takes to fill."""
    environment = Environment(
        loader=PackageLoader("hardiness.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cell": formatting.grid_cell,
        "arrow": formatting.direction,
        "percent": lambda share: f"{100 * share:.0f}",
        "breakable": breakable_name,
        "numbered": numbered,
        "spaced": spaced_name,
    }
    environment.globals["shade"] = shade
    return environment


def page(shown: Sequence[BenchmarkSection], title: str, inks: Inks, options: PageOptions) -> str:
    """The text of the page."""
    script = _asset("page.js")
    with pillow_alone():
        units = boards(options.features, options.images)
        exhibits = [_exhibits(each.results) if options.images else [] for each in shown]
        taken = sum(len(picture) for strips in exhibits for _, picture in strips)
        taken += sum(len(tile.data) for board in units for tile in board.tiles)
        hung = walls(shown, options.picture_of if options.images else None, PICTURES_MOST - taken)
    template = _environment().get_template("page.html.j2")
    return template.render(
        title=title,
        style=Markup(_asset("style.css") + rules(inks)),
        symbols=Markup(symbols(inks)),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        inks=inks,
        markers={model: Markup(icon(model, inks)) for model in inks.models},
        short=formatting.shortened_apart(inks.models, BAR_MOST),
        demo=_demo(shown),
        sentences=summary(shown),
        rule=RULE,
        card=scorecard(shown),
        sections=[
            _section(each, inks, options, found, strips, [result for other in shown for result in other.results])
            for each, found, strips in zip(shown, hung, exhibits, strict=True)
        ],
        explanations=_explanations(shown),
        claims=options.claims,
        gates=options.gates,
        boards=units,
        citations=citations(shown),
        problems=options.problems,
        beside=any(row.published for each in shown for row in rows_of(each)),
        ratios=any(not result.run.data.classes for each in shown for result in each.results),
    )


def breakable_name(name: str) -> Markup:
    """A name that may be broken after an underscore, a slash or a dot; no number is."""
    return Markup(re.sub(r"([_/:]|(?<!\d)[.]|(?<=\w)-)(?=\w)", r"\1<wbr>", str(escape(name))))


def spaced_name(name: str, inks: Inks) -> Markup:
    """A name that may be broken; spaces stand for underscores, except in names of models."""
    return breakable_name(name if name in inks.models else name.replace("_", " "))


def numbered(inks: Inks, measured: MeasuredNumbers) -> str:
    """Measured numbers by the place of their model, as JSON; the models are those of the page."""
    return json.dumps({inks.group(name): [round(each, 6) for each in of] for name, of in measured.items()})


def _asset(name: str) -> str:
    return Path(__file__).parent.joinpath("templates", name).read_text("utf-8")


def _section(
    shown: BenchmarkSection,
    inks: Inks,
    options: PageOptions,
    hung: Sequence[Wall],
    exhibits: Sequence[tuple[str, str]],
    every: Sequence[Result],
) -> dict[str, Any]:
    failures = [(result.name, failure) for result in shown.results for failure in result.failures]
    found = {result.name: checks(result, shown, options.declared) for result in shown.results}
    doubtful = {result.name: doubts(result, found[result.name]) for result in shown.results}
    return {
        "shown": shown,
        "section": shown.section,
        "notes": _notes(shown),
        "rows": rows_of(shown),
        "tables": _tables(shown),
        "beside": published_peers(shown),
        "compared": comparison_view(shown.compared, DIFFERENCES_MOST)
        if shown.compared and shown.compared.scores
        else None,
        "figures": [_figure(chart, inks) for chart in shown.section.charts],
        "walls": hung,
        "pictured": options.images and options.picture_of is not None,
        "exhibits": exhibits,
        "checks": found,
        "doubts": doubtful,
        "counted": {name: doubts_text(each) for name, each in doubtful.items()},
        "verdicts": {result.name: result.doubt for result in shown.results},
        "believed": {result.name: trust_text(result, found[result.name]) for result in shown.results},
        "failures": failures[:LISTED_FAILURES],
        "more_failures": max(0, len(failures) - LISTED_FAILURES),
        "runs": [(result, commands_of(result, every), sessions_of(result)) for result in shown.results],
    }


def _tables(shown: BenchmarkSection) -> list[list[int]]:
    """The places of the columns of the table in sight, which are headlines, and of the folded one.

    The column that stands for the section is the first one, so that a phone shows it without scrolling.
    """
    columns = shown.section.columns
    places = sorted(range(len(columns)), key=lambda place: columns[place] != shown.section.headline)
    headlines = [place for place in places if columns[place].headline]
    return [headlines, [place for place in places if place not in headlines]] if headlines else [places, []]


def _notes(shown: BenchmarkSection) -> list[str]:
    """What there is to know before trusting the table, without what the checks say."""
    told = {f"{finding.name}: {finding.sentence}" for result in shown.results for finding in result.findings}
    told.update(w for result in shown.results if result.measured.get("published") for w in result.warnings)
    return [note for note in shown.notes() if not any(note.endswith(each) for each in told)]


def _demo(shown: Sequence[BenchmarkSection]) -> list[str]:
    """That the data are those of the demo, once for the page, with the benchmarks where these are not all."""
    few: dict[str, list[str]] = {}
    for each in shown:
        for line in dict.fromkeys(w for result in each.results for w in result.warnings if w.startswith(DEMO)):
            few.setdefault(line, []).append(each.heading)
    return [line if len(where) == len(shown) else f"{', '.join(where)}: {line}" for line, where in few.items()]


def _figure(chart: Chart, inks: Inks) -> Mapping[str, Any]:
    """A chart drawn for a page and for a phone; a matrix is a table, which fits both."""
    found = {"chart": chart, "heading": getattr(chart, "heading", chart.title), "caption": caption_of(chart)}
    if isinstance(chart, Heat):
        return {**found, "wide": "", "narrow": ""}
    wide, narrow = (Markup(inline(draw(chart, px, inks), tips=px == WIDE_PX)) for px in (WIDE_PX, NARROW_PX))
    return {**found, "wide": wide, "narrow": narrow}


def _exhibits(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Caption and base64 of the pictures that were kept with the first run that has some; they are the same in all."""
    kept = next((result.exhibits for result in results if result.exhibits), {})
    found = []
    for caption, path in kept.items():
        with suppress(StoreError, SampleError):  # a link that leads elsewhere, or a damaged file: the page does without
            picture = decode(path.read_bytes(), caption)
            found.append((caption, base64.b64encode(encode_jpeg(picture, QUALITY)).decode()))
    return found


def _explanations(shown: Sequence[BenchmarkSection]) -> list[tuple[str, str]]:
    """Each term once."""
    return list(dict(pair for each in shown for pair in each.section.explanations).items())
