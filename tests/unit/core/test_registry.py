"""Registry, names and the errors that come of them."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hardiness.core.errors import ArgumentError, UnknownNameError, suggestion
from hardiness.core.registry import Registry, callable_thing, instance_of, subclass_of


@pytest.fixture
def registry() -> Registry[int]:
    # a package without registering modules: only what the test adds is in it
    found: Registry[int] = Registry("fruit", "hardiness.store")
    found.register("apple", 1, "here:apple")
    found.register("apricot", 2, "here:apricot")
    return found


def test_get_names_and_patterns(registry: Registry[int]) -> None:
    assert registry.get("apple") == registry.find("apple") == 1
    assert registry.find("aple") is None
    assert registry.names("ap*") == ["apple", "apricot"]
    assert registry.names("*cot") == ["apricot"]
    assert "apple" in registry
    assert list(registry) == ["apple", "apricot"]


def test_twice_names_both_places(registry: Registry[int]) -> None:
    with pytest.raises(ArgumentError, match=r"'apple' is registered twice: in here:apple and in there:apple"):
        registry.register("apple", 3, "there:apple")


def test_unknown_offers_close_matches_then_all(registry: Registry[int]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown fruit 'aple'; did you mean 'apple'\? known: apple, apricot"):
        registry.get("aple")


def test_decorator_remembers_the_place(registry: Registry[int]) -> None:
    @registry.add("pear")
    def pear() -> None: ...

    with pytest.raises(ArgumentError, match="test_registry"):
        registry.register("pear", 3, "elsewhere")


def test_a_family_is_made_when_one_of_it_is_looked_for(registry: Registry[int]) -> None:
    asked = []

    @registry.family
    def citrus() -> list[tuple[str, int, str]]:
        asked.append("citrus")
        return [("lemon", 4, "data:citrus"), ("lime", 5, "data:citrus")]

    assert registry.get("apple") == 1
    assert not asked
    assert registry.get("lime") == 5
    assert registry.names("l*") == ["lemon", "lime"]
    assert asked == ["citrus"]


def test_suggestion_counts_what_it_leaves_out() -> None:
    assert "(100 in all)" in suggestion("zzz", [f"name{i}" for i in range(100)])
    assert suggestion("x", []) == "; none is registered"


ASK = """
import sys
from hardiness.core.registry import Registry
print(Registry("fruit", "hardiness.store", "hardiness.fruits").names(), "importlib.metadata" in sys.modules)
"""


def asked(*folders: Path) -> str:
    """What a registry finds in a process that has these on its path too, and whether all metadata were read."""
    path = os.pathsep.join(map(str, folders)) + os.pathsep + os.environ.get("PYTHONPATH", "")
    found = subprocess.run([sys.executable, "-c", ASK], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE)
    return found.stdout.decode().strip()


def distribution(folder: Path, group: str, described: str) -> Path:
    """A folder with one module and one distribution that has an entry point of that group."""
    there = folder / described
    there.mkdir(parents=True)
    (folder / "greengrocer.py").write_text("quince = 4\n")
    (there / "entry_points.txt").write_text(f"[{group}]\nquince = greengrocer:quince\n")
    (there / ("PKG-INFO" if "egg" in described.lower() else "METADATA")).write_text("Name: greengrocer\nVersion: 1\n")
    return folder


@pytest.mark.parametrize("described", ["greengrocer-1.dist-info", "greengrocer.egg-info"])
def test_another_distribution_adds_what_its_entry_points_name(tmp_path: Path, described: str) -> None:
    folder = distribution(tmp_path / "installed", "hardiness.fruits", described)
    assert asked(folder) == "['quince'] True"
    with zipfile.ZipFile(tmp_path / "fruit.zip", "w") as packed:
        for path in folder.rglob("*"):
            packed.write(path, path.relative_to(folder))
    assert asked(tmp_path / "fruit.zip") == "['quince'] True"


def test_metadata_of_distributions_are_read_only_where_one_adds_something(tmp_path: Path) -> None:
    other = distribution(tmp_path / "other", "elsewhere.fruits", "greengrocer-1.dist-info")
    assert asked(other, tmp_path / "absent") == "[] False"


def test_the_same_place_gives_the_newer_entry(registry: Registry[int]) -> None:
    registry.register("apple", 5, "here:apple")
    assert registry.get("apple") == 5
    registry.register("fig", 1, "__main__:fig")
    registry.register("fig", 2, "__main__")
    assert registry.get("fig") == 2


def test_what_ships_has_its_name_first() -> None:
    """Also where nothing of it was imported by then."""
    found: Registry[int] = Registry("fruit", "hardiness.store")

    @found.family
    def shipped() -> list[tuple[str, int, str]]:
        return [("apple", 1, "fruits.toml")]

    shipped.__module__ = "hardiness.fruits"
    with pytest.raises(ArgumentError, match=r"twice: in hardiness\.fruits:fruits\.toml and in __main__:apple; rename"):
        found.register("apple", 2, "__main__:apple")
    assert found.ships("apple")
    assert not found.ships("fig")


def test_a_thing_of_another_type_is_refused_by_its_name() -> None:
    numbers: Registry[int] = Registry("number", "hardiness.store", accept=instance_of(int))
    with pytest.raises(ArgumentError, match="number 'two' must be of type int, was str"):
        numbers.register("two", "2", "here")  # type: ignore[arg-type]
    assert numbers.names() == []
    kinds: Registry[type] = Registry("kind", "hardiness.store", accept=subclass_of(Counted, "unit"))
    with pytest.raises(ArgumentError, match=r"kind 'int' must be a subclass of Counted, was type int"):
        kinds.register("int", int, "here")
    with pytest.raises(ArgumentError, match=r"kind 'bare' must say what its unit is, and Bare does not"):
        kinds.register("bare", Bare, "here")
    calls: Registry[object] = Registry("call", "hardiness.store", accept=callable_thing)
    with pytest.raises(ArgumentError, match=r"call 'bare' must have a method __call__, and Bare has none"):
        calls.register("bare", Bare, "here")
    calls.register("len", len, "here")


class Counted:
    """What has a unit."""


class Bare(Counted):
    """What has none."""


COLLIDING = """
from hardiness.core.registry import Registry
fruits = Registry("fruit", "hardiness.store", "hardiness.fruits")
first = fruits.names()
print(first, fruits.names() == first, fruits.find("plum"), "plum" in fruits)
try:
    fruits.get("plum")
except ValueError as error:
    print(error)
"""
MODULE = """
from __main__ import fruits
fruits.register("plum", 1, __name__)
fruits.register("{module}", 2, __name__)
"""


def test_two_distributions_that_register_one_name_lose_it_and_keep_the_others(tmp_path: Path) -> None:
    """Neither entry point is called so: the names meet when both modules have been imported."""
    for module in ("lime", "medlar"):
        there = tmp_path / f"{module}-1.dist-info"
        there.mkdir()
        (tmp_path / f"{module}.py").write_text(MODULE.format(module=module))
        (there / "entry_points.txt").write_text(f"[hardiness.fruits]\n{module} = {module}\n")
        (there / "METADATA").write_text(f"Name: {module}\nVersion: 1\n")
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    told = subprocess.run(
        [sys.executable, "-c", COLLIDING], env={**os.environ, "PYTHONPATH": path}, capture_output=True
    )
    contest = "fruit 'plum' is in lime of lime 1 and in medlar of medlar 1; uninstall one, or rename its entry"
    assert told.stdout.decode().splitlines() == ["['lime', 'medlar'] True None False", contest]
    assert told.stderr.decode().splitlines() == [contest]


def test_packages_that_add_something_are_known_by_their_entry_points(tmp_path: Path) -> None:
    folder = distribution(tmp_path / "installed", "hardiness.fruits", "greengrocer-1.dist-info")
    distribution(tmp_path / "other", "elsewhere.fruits", "baker-1.dist-info")
    ask = "from hardiness.core.registry import extending_packages\nprint(sorted(extending_packages()))"
    for folders, found in (([folder, tmp_path / "other"], ["greengrocer"]), ([], [])):
        path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path}
        told = subprocess.run([sys.executable, "-c", ask], env=environment, stdout=subprocess.PIPE, check=True)
        assert told.stdout.decode().strip() == str(found)
