"""Laws of the house: no circle of imports, no private name in another module, nothing that asks a run which it is."""

from __future__ import annotations

import ast
import collections
import functools
import importlib
import itertools
import pkgutil
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import hardiness
from hardiness.benchmarks.options import registry as benchmarks

SOURCE = Path(hardiness.__file__).parent


@functools.cache
def parsed() -> dict[Path, list[ast.AST]]:
    """The nodes of every module, by its file."""
    return {path: list(ast.walk(ast.parse(path.read_text("utf-8")))) for path in SOURCE.rglob("*.py")}


@functools.cache
def modules() -> dict[str, Path]:
    """Every module by its name, a package by that of its ``__init__.py``."""
    places = {path: path.relative_to(SOURCE.parent).with_suffix("").parts for path in parsed()}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in places.items()}


@functools.cache
def offered(package: str) -> dict[str, str]:
    """The names that a package offers, and which module each is taken from."""
    nodes = parsed()[SOURCE / Path(*package.split(".")[1:]) / "__init__.py"]
    imports = (node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package))
    return {alias.asname or alias.name: str(node.module) for node in imports for alias in node.names}


def imported_by(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of each import of our own in a file; of a name that a package offers, the module behind it."""
    names = modules()
    for node in parsed()[path]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name in names)
        if isinstance(node, ast.ImportFrom) and node.module in names:
            for alias in node.names:
                if f"{node.module}.{alias.name}" in names:
                    yield f"{node.module}.{alias.name}", ""
                elif names[node.module].name == "__init__.py":
                    yield offered(node.module).get(alias.name, node.module), alias.name
                else:
                    yield node.module, alias.name


def test_no_module_imports_itself_by_way_of_others() -> None:
    """A package's own ``__init__.py`` is left out: it offers what stands in its modules, and is part of none."""
    places = {name: path for name, path in modules().items() if path.name != "__init__.py"}
    graph = {name: {module for module, _ in imported_by(path) if module in places} for name, path in places.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1][::-1]))


def test_no_private_name_is_taken_by_another_module() -> None:
    taken = []
    for path in parsed():
        aliases = {alias.asname or alias.name for alias in own_modules_in(path)}
        taken += [f"{path}: {module}.{name}" for module, name in imported_by(path) if is_private(name)]
        for node in parsed()[path]:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
                taken += [f"{path}:{node.lineno}: {ast.unparse(node)}"] if is_private(node.attr) else []
    assert taken == []


def own_modules_in(path: Path) -> Iterator[ast.alias]:
    """The imports of a file that are of modules of our own."""
    for node in parsed()[path]:
        if isinstance(node, ast.ImportFrom):
            yield from (alias for alias in node.names if f"{node.module}.{alias.name}" in modules())


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_a_door_that_loads_late_offers_no_name_of_a_module_behind_it() -> None:
    """Once that module is imported, it and not what is offered is what the room has under the name."""
    for path in SOURCE.glob("*/__init__.py"):
        if "door(__name__)" in path.read_text("utf-8"):
            offered = {*importlib.import_module(f"hardiness.{path.parent.name}").__all__}
            modules = {name for _, name, _ in pkgutil.iter_modules([str(path.parent)])}
            assert offered & modules == set(), path.parent.name


ASKED = {
    "results/rules/cases.py": {"rule.benchmark": "what a rule of a policy names, which may be any benchmark"},
    "results/rules/folder.py": {"rule.benchmark": "what a rule of a policy names, which may be any benchmark"},
    "results/policy_watch.py": {"rule.benchmark": "the same, of runs whose pictures come in"},
    "report/loggers/tracking.py": {"result.data": "names of logged numbers leave out the data of most benchmarks"},
    "cli/make.py": {"self.protocol": "an option that was typed, and no run's"},
}
"""By module, what may be compared with a constant all the same, and why."""


def test_nothing_asks_a_run_which_benchmark_it_is() -> None:
    """What differs by benchmark its module declares, on its class or its card's: no other module knows one by name.

    The view of a card is part of its protocol, and is left out.
    """
    asking = {
        path.relative_to(SOURCE).as_posix(): nodes
        for path, nodes in parsed().items()
        if path.relative_to(SOURCE).parts[0] in ("results", "report", "api", "cli")
        and path.relative_to(SOURCE).parts[:2] != ("report", "views")
    }
    shared = {f"benchmarks/{name}.py": parsed()[SOURCE / "benchmarks" / f"{name}.py"] for name in ("card",)}
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
            if isinstance(other, ast.Constant) and other.value in benchmarks.names():
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


def test_runs_with_their_scores_are_made_in_one_module() -> None:
    """A folder that is opened joins runs, finds their levels and fits their grouping: nobody else puts one together."""
    made_in = {
        path.relative_to(SOURCE).as_posix()
        for path, nodes in parsed().items()
        for node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"ScoredRun", "JoinedRun"}
    }
    assert made_in == {"results/folder.py"}


def test_what_reads_runs_finds_them_in_a_folder_that_is_opened() -> None:
    """Nobody but the engine, which writes them, asks a store which there are: one that two folders hold counts once."""
    looked_up_in = {
        path.relative_to(SOURCE).as_posix()
        for path, nodes in parsed().items()
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"survey", "runs"}
    }
    assert {path for path in looked_up_in if not path.startswith(("store/", "engine/"))} == {"results/folder.py"}
