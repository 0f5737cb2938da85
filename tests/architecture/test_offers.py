"""Imports inside the project go to the module that defines a name; a package offers what people outside use."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from pathlib import Path

import pytest

import hardiness

SOURCE = Path(hardiness.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
PACKAGES = sorted(file.parent.name for file in SOURCE.glob("*/__init__.py"))
LATE = ("api", "benchmarks", "cli", "results")
"""What also only reads rows: these import packages whole, whose names load what makes rows when they are used."""


@functools.cache
def parsed(file: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(file.read_text("utf-8"))


def tree_of(module: str) -> ast.Module | None:
    """The syntax of a module or package of ours by its dotted name; ``None`` where there is none of that name."""
    place = SOURCE.parent.joinpath(*module.split("."))
    for file in (place / "__init__.py", place.with_suffix(".py")):
        if file.exists():
            return parsed(file)
    return None


@functools.cache
def imports_of(tree: ast.Module) -> tuple[tuple[str, str, str], ...]:
    """Each name of ours that is imported: module, name there, name here."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    ours = [node for node in nodes if str(node.module).split(".")[0] == "hardiness"]
    return tuple((str(node.module), alias.name, alias.asname or alias.name) for node in ours for alias in node.names)


def attributes_of(tree: ast.AST, name: str) -> set[str]:
    """What is taken of a variable of that name."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == name}


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_imports_go_to_the_module_that_defines_a_name(package: str) -> None:
    files = [file for file in FILES if file.relative_to(SOURCE).parts[0] == package]
    for file in files or [SOURCE / "__main__.py"]:
        for module, name, _ in imports_of(parsed(file)):
            if module == "hardiness":
                assert name not in PACKAGES or package in LATE, f"{file.name}: {name} is imported whole"
            elif tree_of(f"{module}.{name}") is None:
                tree = tree_of(module)
                assert tree is not None
                passed_on = {here for source, _, here in imports_of(tree) if source != "hardiness"}
                assert name not in passed_on, f"{file.name}: {module} only passes {name} on"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_holds_no_name_that_nobody_takes_from_it(package: str) -> None:
    """Beyond what it offers it names only what commands and benchmarks reach when they use it."""
    tree = tree_of(f"hardiness.{package}")
    assert tree is not None
    if "__getattr__" not in vars(importlib.import_module(f"hardiness.{package}")):
        return
    reached = set()
    for file in FILES:
        for module, name, here in imports_of(parsed(file)):
            if (module, name) == ("hardiness", package):
                reached |= attributes_of(parsed(file), here)
    offered = {*importlib.import_module(f"hardiness.{package}").__all__}
    names = {here for module, _, here in imports_of(tree) if module != "hardiness.core.doors"}
    assert names == offered | (reached & names)
    assert not {name for name in names if tree_of(f"hardiness.{package}.{name}")}, "a module would take its place"


def test_the_api_reference_documents_what_packages_offer_and_nothing_else() -> None:
    """Once: a name that `hardiness` itself offers is documented under that name alone."""
    pages = [page.read_text("utf-8") for page in (SOURCE.parents[1] / "docs" / "api").glob("*.md")]
    documented = [name for page in pages for name in re.findall(r"^::: hardiness\.(\S+)$", page, re.MULTILINE)]
    packages = {name: importlib.import_module(f"hardiness.{name}") for name in PACKAGES}
    offered = {f"{name}.{each}" for name, package in packages.items() for each in getattr(package, "__all__", ())}
    again = {each for each in offered if each.rpartition(".")[2] in hardiness.__all__}
    for each in again:
        package, _, name = each.rpartition(".")
        assert getattr(packages[package], name) is getattr(hardiness, name)
    assert sorted(documented) == sorted({*hardiness.__all__} | offered - again)
