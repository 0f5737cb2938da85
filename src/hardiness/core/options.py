"""Options of a command, as fields of a dataclass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, field
from typing import Any


def option(
    text: str,
    default: Any = MISSING,
    *,
    name: str = "",
    metavar: str = "",
    off: str = "",
    choices: Sequence[str] = (),
    least: float | None = None,
    read: Callable[[str], Any] | None = None,
    factory: Callable[[], Any] | Any = MISSING,
) -> Any:
    """A field that is an option of a command; its type says what a value is, a tuple that there may be several.

    Args:
        text: one sentence for the help.
        default: where it is not given; without one, and without ``factory``, the option must be given.
        name: how it is written, ``"-m --model"``; two hyphens and the field's name if empty.
        metavar: what stands for the value in the help.
        off: of a flag that is usually on or off by choice, what is written for off.
        choices: the only values.
        least: the smallest value.
        read: turns the text into the value, where the type does not say how.
        factory: gives the default when the command is called.
    """
    settings = {"name": name, "metavar": metavar, "off": off, "choices": choices, "least": least, "read": read}
    metadata = {"help": text, **{key: value for key, value in settings.items() if value not in ("", (), None)}}
    return field(default=default, default_factory=factory, metadata=metadata)


def argument(metavar: str, default: Any = MISSING) -> Any:
    """A field that is a command's argument, without a name of its own in the line; a tuple takes any number."""
    return field(default=default, metadata={"argument": metavar})


def baseline_option() -> Any:
    """The option ``--baseline``, which is the same wherever stored runs are read."""
    return option("Divide by this model's stored run instead of published AlexNet.", None, metavar="MODEL")


def above_option() -> Any:
    """The option ``--above``, the accuracy of operating limits, which is the same wherever stored runs are read."""
    return option(
        "Operating limits: the strongest level up to which accuracy stays at or above this, e.g. '90 %'.",
        None,
        metavar="ACCURACY",
    )


def wait_option(seconds: float, what: str = "a folder that another command is changing") -> Any:
    """The option ``--wait``, of so many seconds where it is not given."""
    return option(f"How long to wait for {what}.", seconds, name="--wait", metavar="SECONDS", least=0)


def part(kind: Callable[[], Any], *names: str) -> Any:
    """A field that holds another dataclass, of which only the named fields become options of the command."""
    return field(default_factory=kind, metadata={"only": names})
