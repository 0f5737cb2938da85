"""How much a reader meets: names past a room's door, what doors offer, names with two meanings. They only tighten."""

from __future__ import annotations

import ast
import collections
import functools
import importlib
import itertools
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hardiness
from hardiness import benchmarks, core

SOURCE = Path(hardiness.__file__).parent
PROJECT = Path(__file__).parents[2]
ROOMS = sorted(door.parent.name for door in SOURCE.glob("*/__init__.py"))
MOST_PAST_DOORS = 15
MOST_HOOKS = 16
MOST_OFFERED = 760
MOST_FILES = 310
MOST_PASSED = {"show": 33, "report": 66}
"""Files of which a function is entered, from stored rows of one model on one benchmark to what is printed or drawn.

What imports call counts, too, and the page shows a photograph.
"""

MOST_IN_LOOP = 25
"""Files of which a function is entered between a photograph and its stored row."""

ENTERED = """
import contextlib, os, sys, threading
os._exit = sys.exit
import hardiness
from hardiness.__main__ import main
root, files = os.path.dirname(hardiness.__file__) + os.sep, set()

def enter(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(root) and code.co_flags & 1 and code.co_qualname[0] != "<":
        files.add(code.co_filename[len(root):])

def traced(call):
    def run(*arguments):
        threading.setprofile(enter)
        sys.setprofile(enter)
        try:
            return call(*arguments)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    return run

if sys.argv[1] == "run":
    from hardiness.engine.worker import Worker
    Worker.run = traced(Worker.run)
else:
    main = traced(main)
with contextlib.suppress(SystemExit):
    main()
print(*sorted(files), sep="\\n")
"""
"""Runs the command and prints the files, of ``run`` those of its loop; bodies of classes and modules do not count."""


@functools.cache
def parsed() -> dict[Path, list[ast.AST]]:
    """The nodes of every module, by its file."""
    return {path: list(ast.walk(ast.parse(path.read_text("utf-8")))) for path in SOURCE.rglob("*.py")}


def taken() -> Iterator[tuple[str, str, str, str]]:
    """Room that takes, room it takes from, module, name; of every import from another room."""
    for path, nodes in parsed().items():
        room = path.relative_to(SOURCE).parts[0]
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hardiness."):
                other = node.module.split(".")[1]
                if other != room:
                    yield from ((room, other, node.module, alias.name) for alias in node.names)


def offered(room: str) -> list[str]:
    tree = ast.parse((SOURCE / room / "__init__.py").read_text("utf-8"))
    listed = [node.value for node in tree.body if isinstance(node, ast.Assign) and "__all__" in ast.unparse(node)]
    return [str(ast.literal_eval(each)) for each in getattr(listed[0], "elts", [])] if listed else []


def test_rooms_take_names_through_each_others_doors() -> None:
    past = [
        f"{room}: {module}.{name}"
        for room, other, module, name in taken()
        if module.count(".") > 1 or (SOURCE / other / f"{name}.py").exists()
    ]
    assert len(past) <= MOST_PAST_DOORS, past


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli"])
def test_a_door_offers_what_a_second_room_or_a_reader_of_the_docs_uses(room: str) -> None:
    used = {name for _, other, _, name in taken() if other == room}
    for path in SOURCE.rglob("*.py"):  # as attributes: `from hardiness import api`, then `api.run`
        text = path.read_text("utf-8")
        for alias in re.findall(rf"^from hardiness import (?:.*\b)?{room}\b(?: as (\w+))?", text, re.MULTILINE):
            used |= set(re.findall(rf"\b{alias or room}\.(\w+)", text))
    pages = "\n".join(page.read_text("utf-8") for page in (*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")))
    for name in set(offered(room)) - used:
        assert re.search(rf"hardiness\.{room}( import [^\n]*\b|\.){name}\b", pages), f"nobody takes {room}.{name}"


def test_a_door_that_loads_late_offers_no_name_of_a_module_behind_it() -> None:
    """Once that module is imported, it and not what is offered is what the room has under the name."""
    for path in SOURCE.glob("*/__init__.py"):
        if "door(__name__)" in path.read_text("utf-8"):
            offered = {*importlib.import_module(f"hardiness.{path.parent.name}").__all__}
            modules = {name for _, name, _ in pkgutil.iter_modules([str(path.parent)])}
            assert offered & modules == set(), path.parent.name


def test_doors_and_files_do_not_become_more() -> None:
    assert sum(len(offered(room)) for room in ROOMS) <= MOST_OFFERED
    assert len(list(SOURCE.rglob("*.py"))) <= MOST_FILES


def passed(*command: str) -> list[str]:
    """The files that a command passes."""
    done = subprocess.run([sys.executable, "-c", ENTERED, *command], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.endswith((".py", ".j2"))]


@pytest.mark.slow
def test_from_row_to_answer_a_reader_passes_no_more_files(tmp_path: Path) -> None:
    (rows,) = (PROJECT / "tests" / "reference" / "out_f2dda58" / "records").glob("*--imagenet-val--*")
    out = tmp_path / "out"
    shutil.copytree(rows, out / "records" / rows.name)
    for command, most in [("show", 60), *MOST_PASSED.items()]:  # first, to keep what is computed
        files = passed(command, str(out))
        assert most // 3 < len(files) <= most, files


@pytest.mark.slow
def test_from_photograph_to_row_a_reader_passes_no_more_files(tmp_path: Path) -> None:
    few = ("--data", "embedded", "--limit", "2", "--quiet", "--out", str(tmp_path / "out"))
    files = passed("run", "-m", "efficientnet_lite0", "-b", "imagenet-val", *few)
    assert MOST_IN_LOOP // 3 < len(files) <= MOST_IN_LOOP, files
    assert "engine/worker.py" in files


def test_what_a_protocol_may_override_does_not_become_more() -> None:
    benchmarks.registry.names()
    benchmarks.cards.names()
    assert len(overridden(core.Benchmark) | overridden(benchmarks.Card)) <= MOST_HOOKS


def overridden(base: type) -> set[str]:
    """The public methods of a class and its bases that some subclass of this project has, too."""

    def methods(kind: type) -> set[str]:
        return {name for name, value in vars(kind).items() if callable(value) or isinstance(value, property)}

    kinds = [base]
    for kind in kinds:
        kinds += [each for each in kind.__subclasses__() if each.__module__.startswith("hardiness.")]
    hooks = {name for each in base.__mro__[:-1] for name in methods(each) if not name.startswith("_")}
    return hooks & set[str]().union(*map(methods, kinds[1:]))


ASKED = {
    "results/rule_evidence.py": {"rule.benchmark": "what a rule of a policy names, which may be any benchmark"},
    "results/policy_watch.py": {"rule.benchmark": "the same, of runs whose pictures come in"},
    "report/loggers/tracking.py": {"result.data": "names of logged numbers leave out the data of most benchmarks"},
    "cli/make.py": {"self.protocol": "an option that was typed, and no run's"},
}
"""By module, what may be compared with a constant all the same, and why."""


def test_nothing_asks_a_run_which_benchmark_it_is() -> None:
    """What differs by benchmark its module declares, on its class or its card's: no other module knows one by name."""
    asking = {
        path.relative_to(SOURCE).as_posix(): nodes
        for path, nodes in parsed().items()
        if path.relative_to(SOURCE).parts[0] in ("results", "report", "api", "cli")
    }
    shared = {
        f"benchmarks/{name}.py": parsed()[SOURCE / "benchmarks" / f"{name}.py"] for name in ("card", "leaderboard")
    }
    found = [
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for path, nodes in {**asking, **shared}.items()
        for node in nodes
        if isinstance(node, ast.Compare | ast.BinOp | ast.Call | ast.Match) and asks_which(path, node)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("asks", "line"),
    [
        (True, "run.benchmark.name == 'imagenet-c'"),
        (True, "('whitebox', 1) == (result.benchmark, 1)"),
        (True, "('imagenet-o', metric) == (row.benchmark, row.metric)"),
        (True, "result.benchmark in CLASS_SETS"),
        (True, "run.benchmark.card != names.CARD"),
        (True, "run.data.name.startswith('own-')"),
        (True, "{'cue-conflict', 'model-vs-human'} & names"),
        (True, "'cue-conflict' in names"),
        (False, "run.benchmark.name == other.benchmark.name"),
        (False, "kind.border_rgb == BLACK"),
        (False, "score.metric == 'top1'"),
        (False, "(row.benchmark, row.metric) == (benchmark, 'top1')"),
    ],
)
def test_questions_for_a_benchmarks_name_are_recognised(asks: bool, line: str) -> None:
    assert asks_which("cli/show.py", ast.parse(line, mode="eval").body) == asks


def asks_which(path: str, node: ast.AST) -> bool:
    """Whether the identity of a run is compared with a constant, or anything with a benchmark's name."""
    match node:
        case ast.Compare(left, _, others):
            pairs = list(zip([left, *others], others, strict=False))
        case ast.BinOp(left, ast.BitAnd() | ast.BitOr() | ast.Sub(), right):
            pairs = [(left, right)]
        case ast.Call(ast.Attribute(value, "startswith" | "endswith"), arguments):
            pairs = [(value, argument) for argument in arguments]
        case ast.Match(subject):
            pairs = [(subject, ast.Constant(""))]
        case _:
            return False
    allowed = ASKED.get(path, {})
    for first, second in (single for pair in pairs for single in singles(*pair)):
        for one, other in ((first, second), (second, first)):
            if is_constant(other) and is_identity(one) and ast.unparse(one) not in allowed:
                return True
            if isinstance(other, ast.Constant) and other.value in benchmarks.registry.names():
                return True
    return False


def singles(first: ast.AST, second: ast.AST) -> list[tuple[ast.AST, ast.AST]]:
    """Which single things are compared where one or both sides are tuples, lists or sets."""
    one, other = getattr(first, "elts", [first]), getattr(second, "elts", [second])
    if isinstance(first, ast.Tuple) and isinstance(second, ast.Tuple) and len(one) == len(other):
        return list(zip(one, other, strict=True))
    return list(itertools.product(one, other))


def is_constant(node: ast.AST) -> bool:
    """Whether it is a text, or written in capitals as constants are."""
    name = getattr(node, "id", getattr(node, "attr", ""))
    return (isinstance(node, ast.Constant) and isinstance(node.value, str)) or name.isupper()


def is_identity(node: ast.AST) -> bool:
    """Whether it is the benchmark, card, protocol or data of something, or the name of one of them."""
    if isinstance(node, ast.Attribute) and node.attr == "name":
        node = node.value
    return isinstance(node, ast.Attribute) and node.attr in ("benchmark", "card", "protocol", "data")


def test_no_public_class_name_has_two_meanings() -> None:
    places: dict[str, list[str]] = collections.defaultdict(list)
    for path, nodes in parsed().items():
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(SOURCE)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
