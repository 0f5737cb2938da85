"""Rules of the house that a tool can check."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import hardiness

SOURCE = Path(hardiness.__file__).parent


def test_options_are_declared_by_fields_alone() -> None:
    """Modules of commands have dataclasses and call nothing of click that makes a command or an option."""
    for path in (SOURCE / "cli").glob("*.py"):
        if path.name not in ("main.py", "options.py"):  # the program itself, and what makes options of fields
            text = path.read_text("utf-8")
            assert not re.search(r"click\.(option|argument|command|group|Option|Argument|Command|Group)\b", text), path


def test_docstrings_say_what_comes_out() -> None:
    """Their first line is one sentence, or begins a source, and none says that nothing comes out."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                first = (ast.get_docstring(node) or "").split("\n")[0]
                where = f"{path.relative_to(SOURCE)}: {getattr(node, 'name', 'module')}"
                assert not first.startswith(("Nothing,", "Nothing:", "Nothing.", "None.")), where
                is_sentence = first.rstrip().endswith((".", "?", "``", ":")) or first.startswith("Source:")
                assert not first or is_sentence, f"{where}: {first}"


def test_no_docstring_is_read_as_data() -> None:
    """Commands show their own as help, and `hardiness list KIND NAME` that of NAME: whole, nothing is cut out of them.

    Python leaves docstrings out where it is told to (``-OO``), and who edits one does not expect to change a file.
    """
    readers = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "attr", getattr(node, "id", ""))
            if name in ("__doc__", "getdoc", "get_docstring", "cleandoc", "getcomments", "getsource"):
                readers.add(path.relative_to(SOURCE).as_posix())
    assert readers == {"cli/list.py", "cli/options.py"}
    assert (SOURCE / "cli" / "list.py").read_text("utf-8").count("getdoc") == 1


def test_methods_that_override_nothing_have_a_docstring() -> None:
    """A method of a base, or of a protocol of which the class has every member, is described there."""
    trees = [ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py")]
    kinds = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    protocols = {name: members(kind) for name, kind in kinds.items() if "Protocol" in bases(kind)}
    for name, kind in kinds.items():
        inherited = {each for base in ancestors(kind, kinds) for each in members(base)}
        fulfilled = [its for each, its in protocols.items() if each != name and its <= members(kind) | inherited]
        for each in kind.body:
            if isinstance(each, ast.FunctionDef) and not name.startswith("_") and not each.name.startswith("_"):
                described = ast.get_docstring(each) or each.name in inherited.union(*fulfilled)
                once_more = re.search(r"\boverload\b|\.setter\b", " ".join(map(ast.unparse, each.decorator_list)))
                assert described or once_more, f"{name}.{each.name} overrides nothing and has no docstring"


def bases(kind: ast.ClassDef) -> list[str]:
    return [re.sub(r"\[.*|.*\.", "", ast.unparse(base)) for base in kind.bases]


def ancestors(kind: ast.ClassDef, kinds: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    parents = [kinds[base] for base in bases(kind) if base in kinds and kinds[base] is not kind]
    return parents + [each for parent in parents for each in ancestors(parent, kinds)]


@functools.cache
def members(kind: ast.ClassDef) -> set[str]:
    """Its methods and fields, and what is assigned in them."""
    names = {each.name for each in kind.body if isinstance(each, ast.FunctionDef)}
    fields = {ast.unparse(each.target) for each in kind.body if isinstance(each, ast.AnnAssign)}
    stored = [each for each in ast.walk(kind) if isinstance(getattr(each, "ctx", None), ast.Store)]
    assigned = {getattr(each, "attr", getattr(each, "id", "")) for each in stored}
    return names | fields | assigned
