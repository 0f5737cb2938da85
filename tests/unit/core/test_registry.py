"""Registry, names and the errors that come of them."""

import pytest

from hardiness.core import ArgumentError, Registry, UnknownNameError
from hardiness.core.errors import suggestion


@pytest.fixture
def registry() -> Registry[int]:
    # a package without registering modules: only what the test adds is in it
    found: Registry[int] = Registry("fruit", "hardiness.store")
    found.register("apple", 1, "here:apple")
    found.register("apricot", 2, "here:apricot")
    return found


def test_get_names_and_patterns(registry: Registry[int]) -> None:
    assert registry.get("apple") == 1
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


def test_suggestion_counts_what_it_leaves_out() -> None:
    assert "(100 in all)" in suggestion("zzz", [f"name{i}" for i in range(100)])
    assert suggestion("x", []) == "; none is registered"
