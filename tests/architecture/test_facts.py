"""Facts have codes and typed arguments; their words are in report/words."""

from __future__ import annotations

import ast
import functools
from collections import Counter
from enum import StrEnum
from pathlib import Path

import pytest

import hardiness
from hardiness.core import codes
from hardiness.report.words import catalogue

ROOT = Path(hardiness.__file__).parent
ENUMS = [each for each in vars(codes).values() if isinstance(each, type) and issubclass(each, StrEnum)]
CODES = [code for each in ENUMS for code in each]
MAY_READ_LINES = ("report/words/", "core/fact.py")
"""Where the text of an error is read: for its words, and to raise it again."""


@functools.cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Every node of our sources, with the file."""
    trees = ((str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))) for path in ROOT.rglob("*.py"))
    return [(file, node) for file, tree in trees for node in ast.walk(tree)]


def reads_line(node: ast.AST) -> bool:
    """Whether a node takes the argument ``line`` of a fact."""
    if isinstance(node, ast.Subscript):
        owner, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        owner, key = node.func.value, node.args[0]
    else:
        return False
    is_of_fact = isinstance(owner, ast.Attribute) and owner.attr == "arguments"
    return is_of_fact and isinstance(key, ast.Constant) and key.value == "line"


def has_prose(node: ast.AST) -> bool:
    """Whether a node makes a fact and writes one of its arguments as a text with values in it."""
    is_fact = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fact"
    arguments = [*node.args[1:2], *(each.value for each in node.keywords)] if is_fact else []  # type: ignore[attr-defined]
    return any(isinstance(inner, ast.JoinedStr) for argument in arguments for inner in ast.walk(argument))


def test_nobody_reads_the_text_of_an_error_but_its_words() -> None:
    found = {file for file, node in nodes() if reads_line(node)}
    assert found, "the text is read somewhere, or this test sees nothing"
    assert not {file for file in found if not file.startswith(MAY_READ_LINES)}


def test_no_argument_of_a_fact_is_prose() -> None:
    assert not {(file, node.lineno) for file, node in nodes() if has_prose(node)}  # type: ignore[attr-defined]
    (told,) = ast.parse("Fact(RunRemark.STOPPED, {'policy': f'{name} is decided'})").body
    assert any(map(has_prose, ast.walk(told))), "so that this test can fail"


def test_no_two_facts_have_one_code() -> None:
    assert [code for code, count in Counter(map(str, CODES)).items() if count > 1] == []


@pytest.mark.parametrize("enum", [each for each in ENUMS if each is not StrEnum], ids=lambda each: each.__name__)
def test_every_code_has_words(enum: type[StrEnum]) -> None:
    assert [code for code in enum if catalogue.find(code) is None] == []
