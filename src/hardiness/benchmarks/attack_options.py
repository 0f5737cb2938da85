"""Any registered attack as an option of a benchmark: its own fields become further options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from typing import Any

from hardiness import attacks
from hardiness.attacks.threats import check_epsilon, threats
from hardiness.core import ArgumentError, UnknownNameError, suggestion

ENGINE_OWNED = ("steps", "epsilon", "norm", "targeted")
"""What the benchmark says, whatever fields an attack has."""


def options_of(attack: str) -> dict[str, Field[Any]]:
    """The fields of an attack that can be chosen, by name; none where it is no dataclass.

    Raises:
        UnknownNameError: there is no such attack.
    """
    found: Any = attacks.registry.get(attack)
    if not is_dataclass(found):
        return {}
    return {each.name: each for each in fields(found) if each.init and each.name not in ENGINE_OWNED}


def with_options(
    benchmark: str, attack: str, given: Sequence[tuple[str, str]], read: Callable[[str, Field[Any], str], Any]
) -> tuple[tuple[str, Any], ...]:
    """The options of an attack, as text, with the types that its fields have; checked by making one.

    Args:
        benchmark: for messages.
        attack: registered name.
        given: names and values as written.
        read: turns a value into its field's type.

    Raises:
        UnknownNameError: there is no such attack.
        ArgumentError: the attack has no such option, or the value is none that it takes.
    """
    known = options_of(attack)
    for name, _ in given:
        if name not in known:
            told = suggestion(name, sorted(known)) if known else "; it has none"
            raise ArgumentError(f"attack {attack} of {benchmark} has no option {name!r}{told}")
    values = {name: read(attack, known[name], text) for name, text in given}
    attacks.registry.get(attack)(**values)
    return tuple(values.items())


def check_attack(benchmark: str, attack: str, norm: str, epsilons: Sequence[float], targeted: bool) -> None:
    """Raise an error unless the attack keeps to that threat model at these epsilons.

    Raises:
        UnknownNameError: there is no such attack or threat model.
        ArgumentError: the attack does not know the threat model, an epsilon means nothing under it, or a targeted
            attack was asked of one that is not.
    """
    if norm not in threats:
        raise UnknownNameError(f"norm of {benchmark}", norm, threats)
    known = attacks.threats_of(attack)
    if norm not in known:
        raise ArgumentError(f"{benchmark}: attack {attack} does not know norm {norm!r}; it knows {', '.join(known)}")
    for epsilon in epsilons:
        if epsilon == 0:
            raise ArgumentError(
                f"{benchmark}:epsilons must be above 0, had 0: nothing may change there, and clean accuracy stands "
                "beside every result"
            )
        check_epsilon(norm, epsilon, f"{benchmark}:epsilons")
    if len(set(epsilons)) < len(epsilons):
        raise ArgumentError(f"{benchmark}:epsilons must differ, had {', '.join(f'{each:g}' for each in epsilons)}")
    if targeted and not getattr(attacks.registry.get(attack), "can_target", True):
        raise ArgumentError(f"{benchmark}: attack {attack} is untargeted; leave out targeted=true")


def described(attack: str) -> Mapping[str, Any]:
    """Options of an attack with their defaults, for listings."""
    return {name: each.default for name, each in options_of(attack).items()}
