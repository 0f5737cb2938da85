"""The direction of imports, and what a command may cost before it does anything."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import hardiness

SOURCE = Path(hardiness.__file__).parent
HEAVY = ("torch", "torchvision", "timm", "openvino", "onnxruntime", "transformers", "numba", "scipy", "pandas", "cv2")


def loaded_by(code: str) -> set[str]:
    """Heavy packages that a fresh interpreter has loaded after running ``code``."""
    script = f"{code}\nimport sys\nprint(*sorted(set(sys.modules) & set({HEAVY!r})))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(told.stdout.strip().splitlines()[-1].split()) if told.stdout.strip() else set()


def test_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=SOURCE.parents[1], check=False)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import hardiness",
        "import hardiness.results, hardiness.statistics, hardiness.reference, hardiness.store, hardiness.benchmarks",
        "from hardiness.models.catalogue import registry, schemes; registry.names(); schemes.names()",
        "from hardiness.benchmarks import registry; registry.names()",
        "from hardiness.cli.main import cli; cli.main(['--help'], standalone_mode=False)",
        "from hardiness.cli.main import cli; cli.main(['run', '--help'], standalone_mode=False)",
        "from hardiness.cli.main import cli; cli.main(['models'], standalone_mode=False)",
        "from hardiness.cli.main import cli; cli.main(['benchmarks'], standalone_mode=False)",
    ],
)
def test_what_needs_no_framework_loads_none(code: str) -> None:
    assert loaded_by(f"import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    {code}") == set()


def test_no_module_imports_our_own_package_inside_a_function() -> None:
    for path in SOURCE.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                    names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                    assert not any(name.startswith("hardiness") for name in names), f"{path}:{function.lineno}"


def test_every_exported_name_exists() -> None:
    for path in SOURCE.rglob("__init__.py"):
        module = __import__(".".join(path.parent.relative_to(SOURCE.parent).parts), fromlist=["__all__"])
        for name in getattr(module, "__all__", ()):
            assert getattr(module, name) is not None, f"{module.__name__}.{name}"


def test_the_command_is_installed() -> None:
    (found,) = entry_points(group="console_scripts", name="hardiness")
    assert callable(found.load())
