"""A whole number that a process sets and its worker processes read: of a transform whose workers live on."""

from __future__ import annotations

import logging
import mmap
import os
import secrets
from collections.abc import Callable
from multiprocessing.context import get_spawning_popen
from operator import index
from typing import Any, overload
from weakref import finalize

from hardiness.core.errors import ArgumentError

_BYTES = 8


class SharedNumber:
    """A whole number in memory that this process shares with the workers that it starts, forked or spawned.

    The process that made it is its owner. Workers see each value that the owner sets; a worker that sets one has a
    number of its own from then on. A copy, or what is pickled for anything but the start of a process, is a number of
    its own with the value of that moment.
    """

    def __init__(self, value: int) -> None:
        self._begin(value)

    def _begin(self, value: int) -> None:
        """Take memory of this process's own."""
        self._owner, self._token, self._descriptor = os.getpid(), secrets.token_hex(8), -1
        if hasattr(os, "memfd_create"):
            self._descriptor = os.memfd_create(f"hardiness-{self._token}")
            self._close = finalize(self, os.close, self._descriptor)
            os.ftruncate(self._descriptor, _BYTES)
        self._memory = mmap.mmap(self._descriptor, _BYTES)
        self._write(value)

    def _write(self, value: int) -> None:
        self._memory[:] = value.to_bytes(_BYTES, "little", signed=True)

    @property
    def value(self) -> int:
        """The value that was set last."""
        return int.from_bytes(self._memory[:], "little", signed=True)

    def set(self, value: int) -> None:
        """Set it, for this process and the workers that it has started."""
        if os.getpid() != self._owner:
            self._leave()
            self._begin(value)
        else:
            self._write(value)

    def __reduce__(self) -> tuple[Callable[..., SharedNumber], tuple[Any, ...]]:
        if get_spawning_popen() is None:
            return SharedNumber, (self.value,)
        if os.getpid() != self._owner:  # a worker that has workers: what it sets later must reach them
            self.set(self.value)
        return _of_starter, (self.value, f"/proc/{self._owner}/fd/{self._descriptor}", self._token)

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedNumber:
        return SharedNumber(self.value)

    def _attach(self, place: str, token: str) -> None:
        """Read the memory of another process instead.

        Raises:
            OSError: it is not to be had from here.
        """
        if token not in os.readlink(place):  # the process has ended, and its number is another's
            raise FileNotFoundError(place)
        descriptor = os.open(place, os.O_RDWR)
        try:
            memory = mmap.mmap(descriptor, _BYTES)
        finally:
            os.close(descriptor)
        self._leave()
        self._memory, self._owner = memory, -1

    def _leave(self) -> None:
        self._memory.close()
        if self._descriptor >= 0:
            self._close()
            self._descriptor = -1


def _of_starter(value: int, place: str, token: str) -> SharedNumber:
    """The number of the process that starts this one."""
    number = SharedNumber(value)
    try:
        number._attach(place, token)
    except OSError as error:
        logging.getLogger("hardiness").warning(
            f"this worker cannot read the number that its parent sets ({error}): Corrupt.epoch stays {value} here; let "
            "workers start anew for each epoch (persistent_workers=False)"
        )
    return number


class SharedAttribute:
    """A whole number as an attribute, which the copies of its object in worker processes follow.

    Args:
        default: where the constructor is given none.
    """

    def __init__(self, default: int = 0) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._place = name, f"_shared_{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> int: ...

    @overload
    def __get__(self, instance: object, owner: type) -> int: ...

    def __get__(self, instance: object | None, owner: type) -> int:
        if instance is None:
            return self._default
        number: SharedNumber = instance.__dict__[self._place]
        return number.value

    def __set__(self, instance: object, value: int) -> None:
        whole = _whole(self._name, value)
        number: SharedNumber | None = instance.__dict__.get(self._place)
        if number is None:
            instance.__dict__[self._place] = SharedNumber(whole)
        else:
            number.set(whole)


def _whole(name: str, value: Any) -> int:
    """The value as an int of Python's.

    Raises:
        ArgumentError: it is no whole number of at most 63 bits.
    """
    try:
        whole = index(value)
        whole.to_bytes(_BYTES, "little", signed=True)
    except (TypeError, OverflowError):
        raise ArgumentError(f"{name} must be a whole number of at most 63 bits, was {value!r}") from None
    return whole
