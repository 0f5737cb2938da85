"""The direction of imports, and what a command may cost before it does anything."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import hardiness
from hardiness.models.frameworks import FRAMEWORKS as EXTRA
from hardiness.store.store import Store

SOURCE = Path(hardiness.__file__).parent
STORED = Path(__file__).parents[1] / "reference" / "stored_out"
FRAMEWORKS = {"torch", "torchvision", "timm", "openvino", "onnxruntime", "transformers", "numba", "cv2"}
EVALUATING = {*EXTRA, "onnxruntime", "transformers", "open_clip"}
SLOW_TO_IMPORT = {*FRAMEWORKS, "scipy", "pandas"}

COMMAND = """
import sys
from hardiness.__main__ import main
status = 0
try:
    main()
except SystemExit as end:
    status = end.code
print(*sys.modules, file=sys.stderr)
sys.exit(status)
"""


def loaded_by(*arguments: object, code: str = COMMAND) -> set[str]:
    """The modules that a fresh interpreter has loaded once the code, or else ``hardiness ARGUMENTS``, has run."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {*done.stderr.splitlines()[-1].split()}


def test_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=SOURCE.parents[1], check=False)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import hardiness",
        "from hardiness.models.catalogue import registry, schemes; registry.names(); schemes.names()",
        "from hardiness.benchmarks import registry; registry.names()",
    ],
)
def test_names_are_there_without_frameworks(code: str) -> None:
    assert loaded_by(code=f"{code}; import sys; print(*sys.modules, file=sys.stderr)") & SLOW_TO_IMPORT == set()


@pytest.mark.parametrize("command", ["--help", "run --help", "list models", "list benchmarks"])
def test_listings_load_nothing_that_takes_long(command: str) -> None:
    assert loaded_by(*command.split()) & SLOW_TO_IMPORT == set()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stored rows of two models, of which nothing has been computed yet; and a policy for them."""
    folder = tmp_path_factory.mktemp("stored")
    shutil.copytree(STORED, folder / "out", ignore=shutil.ignore_patterns("scored"))
    store = Store.open(folder / "out")
    (photographs,) = (each for each in store.runs() if each.run.benchmark.name == "imagenet-val")
    another = replace(photographs.run, model=replace(photographs.run.model, name="another"))
    rows = photographs.records()
    work = [(sample, 0) for sample in rows["sample"].tolist()]
    store.run(another, photographs.plan).write(0, work, rows)
    (folder / "policy.toml").write_text('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.0\n')
    return folder / "out"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "show OUT",
        "show OUT --all --json",
        "compare OUT",
        "gate OUT --policy OUT/../policy.toml",
        *(f"export OUT --format {form} --to OUT/../x" for form in ("json", "csv", "parquet", "latex", "markdown")),
        "list runs OUT",
    ],
)
def test_what_only_reads_rows_loads_no_framework(command: str, out: Path) -> None:
    assert loaded_by(*command.replace("OUT", str(out)).split()) & FRAMEWORKS == set()


@pytest.mark.slow
def test_a_page_with_its_photographs_loads_no_framework(out: Path, tmp_path: Path) -> None:
    """Pictures under a corruption are made anew, by a compiled kernel: so those of runs without one."""
    shutil.copytree(out, tmp_path / "out", ignore=shutil.ignore_patterns("*--imagenet-c--*"))
    assert loaded_by("report", tmp_path / "out") & FRAMEWORKS == set()
    assert "data:image/jpeg" in (tmp_path / "out" / "report.html").read_text(), "its photographs are there"


def test_no_module_imports_our_own_package_inside_a_function() -> None:
    for path in SOURCE.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                    names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                    assert not any(name.startswith("hardiness") for name in names), f"{path}:{function.lineno}"


def is_for_type_checkers(node: ast.AST) -> bool:
    """Whether it is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported_at_once(node: ast.AST) -> Iterator[str]:
    """The packages that are imported when a module is, and not when a function of it is called."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in each.names)
        elif isinstance(each, ast.ImportFrom):
            yield (each.module or "").partition(".")[0]
        elif not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            if is_for_type_checkers(each):
                yield from (name for other in each.orelse for name in imported_at_once(ast.Module([other], [])))
            else:
                yield from imported_at_once(each)


def test_every_module_is_imported_without_a_framework() -> None:
    """Where torch is not installed everything that needs none works; the contract names the packages that never do."""
    for path in SOURCE.rglob("*.py"):
        assert {*imported_at_once(ast.parse(path.read_text()))} & EVALUATING == set(), path


def test_every_exported_name_exists() -> None:
    for path in SOURCE.rglob("__init__.py"):
        module = __import__(".".join(path.parent.relative_to(SOURCE.parent).parts), fromlist=["__all__"])
        for name in getattr(module, "__all__", ()):
            assert getattr(module, name) is not None, f"{module.__name__}.{name}"


def test_the_command_is_installed() -> None:
    (found,) = entry_points(group="console_scripts", name="hardiness")
    assert callable(found.load())
