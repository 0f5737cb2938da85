"""Whether a model was trained on what a benchmark tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.result import Result
from hardiness.reference.recipes import ALL, Recipe, recipes, recipes_of
from hardiness.reference.sets import distortion_set as set_of
from hardiness.reference.sets import set_names

Declared = Mapping[str, Sequence[Recipe]]
"""Recipes that its user says a model was trained with, by the model's name."""


def declared(texts: Sequence[str]) -> Declared:
    """Recipes by model from ``MODEL=NAME+NAME``, each name that of a recipe or of a corruption or perturbation.

    Raises:
        ArgumentError: a text does not read so.
        UnknownNameError: no recipe, corruption or perturbation has that name.
    """
    recipes_by_model: dict[str, list[Recipe]] = {}
    for text in texts:
        model, equals, names = text.rpartition("=")
        if not (equals and model and names):
            raise ArgumentError(f"--trained-with must be MODEL=RECIPE+…, as in mine=augmix+fog, was {text!r}")
        recipes_by_model.setdefault(model, []).extend(_recipe(name) for name in names.split("+"))
    return recipes_by_model


def overlaps(result: Result, declared: Declared) -> Iterator[tuple[Recipe, tuple[str, ...], bool]]:
    """The recipes of a result's model that touch its benchmark: members that it trains on, and whether declared."""
    weights = str(result.run.model.options.get("pretrained", ""))
    by_name = [(recipe, False) for recipe in recipes_of(result.run.model.name, weights)]
    by_user = [(recipe, True) for recipe in (*declared.get(result.name, ()), *declared.get(result.run.model.name, ()))]
    names: set[str] = set()
    for recipe, is_declared in (*by_user, *by_name):
        members = recipe.overlaps.get(result.benchmark, ())
        if recipe.name not in names and (members or result.benchmark in recipe.made_for):
            names.add(recipe.name)
            yield recipe, members, is_declared


def touched(benchmark: str) -> bool:
    """Whether any known recipe touches a benchmark at all."""
    return any(benchmark in (*recipe.overlaps, *recipe.made_for) for recipe in recipes().values())


def training_sentence(benchmark: str, recipe: Recipe, members: Sequence[str], is_declared: bool) -> tuple[str, str]:
    """A sentence on the overlap, and what to do about it."""
    how = "as you declared" if is_declared else "as its name says"
    begin = f"trained with {recipe.title}, {how}"
    if not members:
        return (
            f"{begin}: it was made to do well on {benchmark}, without training on what that tests ({recipe.source})",
            "compare it with models of the same kind of training",
        )
    if ALL in members:
        what = f"the like of all that {benchmark} tests"
        return f"{begin}: that is {what} ({recipe.source})", "do not read the score as what an unprepared model does"
    member_names = ", ".join(member.replace("_", " ") for member in members)
    return (
        f"{begin}: it trains on {member_names}, which {benchmark} tests ({recipe.source})",
        "read the score without these members, by the figure of errors by member",
    )


def _recipe(name: str) -> Recipe:
    by_name = recipes()
    if name in by_name:
        return by_name[name]
    members_by_benchmark = {benchmark: (name,) for benchmark in set_names() if name in set_of(benchmark).members}
    if not members_by_benchmark:
        members = [member for benchmark in set_names() for member in set_of(benchmark).members]
        raise UnknownNameError("recipe or corruption", name, (*by_name, *dict.fromkeys(members)))
    return Recipe(name, name.replace("_", " "), "declared", overlaps=members_by_benchmark)
