"""Settings of a network count by value, whatever type they have; what shows no value is named."""

from __future__ import annotations

import argparse
import array
import collections
import contextvars
import datetime
import enum
import functools
import io
import json
import logging
import operator
import os
import pathlib
import queue
import random
import re
import subprocess
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from random import choice
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
import torch
import torchvision.transforms as T
from numpy.random import normal
from torch import Tensor, nn
from transformers import PretrainedConfig

from hardiness.imaging.compiled import compiled, compiled_with
from hardiness.models.code_hash import CodeIdentity, code_identity, function_identity

HERE = pathlib.Path(__file__)


@dataclass(slots=True)
class Slotted:
    sign: int


@dataclass(frozen=True)
class Frozen:
    sign: int
    more: dict[str, Any] = field(default_factory=dict, hash=False)


class Slots:
    __slots__ = ("sign",)

    def __init__(self, sign: int) -> None:
        self.sign = sign


class Sign(enum.Enum):
    PLUS = 1
    MINUS = -1


class Pair(NamedTuple):
    sign: int


class OwnDict(dict[str, Any]):
    def __reduce__(self) -> tuple[Any, ...]:
        return dict, ()


class OwnFloat(float):
    pass


class Hiding:
    def __init__(self, sign: int) -> None:
        self.sign = sign

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def turned(self, x: Any) -> Any:
        return x * self.sign


class Knot:
    def __init__(self, sign: int) -> None:
        self.parts, self.sign = [self], sign


class Settings(Mapping[str, int]):
    def __init__(self, sign: int) -> None:
        self._values = {"sign": sign}

    def __getitem__(self, key: str) -> int:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def closure(sign: int) -> Callable[[Any], Any]:
    return lambda x: x * sign


def with_attribute(value: Any, sign: int) -> Any:
    value.sign = sign
    return value


def filled(value: Any, sign: int) -> Any:
    value.put(sign)
    return value


def in_thread(sign: int) -> threading.local:
    return with_attribute(threading.local(), sign)


def linear(value: float) -> nn.Module:
    network = nn.Linear(1, 1)
    for parameter in network.parameters():
        nn.init.constant_(parameter, value)
    return network


def generator(sign: int) -> torch.Generator:
    return torch.Generator().manual_seed(sign + 5)


def variable(sign: int) -> contextvars.ContextVar[int]:
    found: contextvars.ContextVar[int] = contextvars.ContextVar("sign")
    found.set(sign)
    return found


FIRST, SECOND = Hiding(1), Hiding(2)

BY_VALUE: dict[str, Callable[[int], Any]] = {
    "argparse.Namespace": lambda sign: argparse.Namespace(sign=sign),
    "SimpleNamespace": lambda sign: types.SimpleNamespace(sign=sign),
    "SimpleNamespace in lists": lambda sign: [{"a": (types.SimpleNamespace(sign=[sign]),)}],
    "PretrainedConfig": lambda sign: PretrainedConfig(sign=sign),
    "dataclass with slots": Slotted,
    "frozen dataclass": lambda sign: Frozen(0, {"a": [Slots(sign)]}),
    "slots": Slots,
    "deque": lambda sign: collections.deque([sign]),
    "deque's length": lambda sign: collections.deque([0], maxlen=sign + 3),
    "Decimal": Decimal,
    "Fraction": Fraction,
    "range": lambda sign: range(sign, 3),
    "slice": lambda sign: slice(sign),
    "re.Pattern": lambda sign: re.compile(str(sign)),
    "re.Pattern's flags": lambda sign: re.compile("a", re.IGNORECASE if sign > 0 else 0),
    "torch.Generator": generator,
    "torch.distributions": lambda sign: torch.distributions.Normal(torch.tensor(float(sign)), 1.0),
    "a distribution in one": lambda sign: torch.distributions.Independent(
        torch.distributions.Normal(torch.tensor([float(sign)]), 1.0), 1
    ),
    "np.poly1d": lambda sign: np.poly1d([sign, 0]),
    "pandas.Series": lambda sign: pytest.importorskip("pandas").Series([sign]),
    "pandas.DataFrame": lambda sign: pytest.importorskip("pandas").DataFrame({"a": [str(sign)]}),
    "T.Compose": lambda sign: T.Compose([T.Normalize(0.0, float(sign))]),
    "T.Compose of one's own": lambda sign: T.Compose([T.Lambda(closure(sign))]),
    "enum": Sign,
    "path": lambda sign: pathlib.Path(str(sign)),
    "date": lambda sign: datetime.date(2020, 1, sign + 2),
    "timedelta": datetime.timedelta,
    "bytearray": lambda sign: bytearray([sign + 1]),
    "memoryview": lambda sign: memoryview(bytes([sign + 1])),
    "array.array": lambda sign: array.array("b", [sign]),
    "frozenset": lambda sign: frozenset((sign, "a", None)),
    "set of objects": lambda sign: {Frozen(sign), Frozen(5), Sign.PLUS},
    "defaultdict": lambda sign: collections.defaultdict(list, {1: sign}),
    "defaultdict's factory": lambda sign: collections.defaultdict(list if sign > 0 else dict),
    "Counter": lambda sign: collections.Counter({"a": sign}),
    "ChainMap": lambda sign: collections.ChainMap({"a": sign}),
    "mappingproxy": lambda sign: types.MappingProxyType({"a": sign}),
    "a mapping of one's own": Settings,
    "namedtuple": Pair,
    "a dict of one's own that hides its items": lambda sign: OwnDict(a=sign),
    "a float of one's own": OwnFloat,
    "an object that hides its state": Hiding,
    "np.float32": np.float32,
    "np.dtype": lambda sign: np.dtype("f4" if sign > 0 else "f8"),
    "array of objects": lambda sign: np.array([Slots(sign)], object),
    "masked array": lambda sign: np.ma.masked_array([1, 2], [sign > 0, False]),
    "np.random.Generator": lambda sign: np.random.default_rng(sign + 3),
    "np.random.RandomState": lambda sign: np.random.RandomState(sign + 3),
    "random.Random": lambda sign: random.Random(sign + 3),
    "bound to a generator": lambda sign: np.random.default_rng(sign + 3).normal,
    "torch.dtype": lambda sign: torch.float32 if sign > 0 else torch.float64,
    "torch.finfo": lambda sign: torch.finfo(torch.float32 if sign > 0 else torch.float64),
    "torch.device": lambda sign: torch.device("cpu", 0) if sign > 0 else torch.device("cpu"),
    "torch.Size": lambda sign: torch.Size((sign + 2,)),
    "Parameter in a list": lambda sign: [nn.Parameter(torch.tensor(float(sign)))],
    "bfloat16": lambda sign: torch.tensor([sign], dtype=torch.bfloat16),
    "sparse tensor": lambda sign: torch.tensor([[0.0, sign]]).to_sparse(),
    "expanded tensor": lambda sign: torch.tensor([float(sign)]).expand(3, 1)[:1, 0],
    "conjugated tensor": lambda sign: torch.tensor(1j).conj() if sign > 0 else torch.tensor(1j),
    "attribute of a tensor": lambda sign: with_attribute(torch.zeros(1), sign),
    "network in a list": lambda sign: [nn.Sequential(linear(sign))],
    "operator of torch": lambda sign: torch.ops.aten.relu.default if sign > 0 else torch.ops.aten.neg.default,
    "function of torch": lambda sign: torch.relu if sign > 0 else torch.neg,
    "partial": lambda sign: functools.partial(operator.mul, sign),
    "bound method": lambda sign: Hiding(sign).turned,
    "bound method of a package": lambda sign: torch.distributions.Normal(float(sign), 1.0).cdf,
    "bound method of a list": lambda sign: [sign].__getitem__,
    "closure": closure,
    "default": lambda sign: lambda x, by=sign: x * by,
    "attribute of a function": lambda sign: with_attribute(closure(1), sign),
    "decorated by a package": lambda sign: torch.no_grad()(closure(sign)),
    "methodcaller": lambda sign: operator.methodcaller("mul", sign),
    "ufunc": lambda sign: np.add if sign > 0 else np.subtract,
    "np.vectorize": lambda sign: np.vectorize(closure(sign)),
    "cycle": Knot,
    "made class": lambda sign: type("Made", (), {"sign": sign, "__module__": __name__}),
    "class": lambda sign: Slots if sign > 0 else Slotted,
    "weak reference": lambda sign: weakref.ref(FIRST if sign > 0 else SECOND),
    "which of two that are named before": lambda sign: [FIRST, SECOND, FIRST if sign > 0 else SECOND],
    "BytesIO": lambda sign: io.BytesIO(str(sign).encode()),
    "Queue": lambda sign: filled(queue.Queue(), sign),
    "context variable": variable,
    "local of a thread": in_thread,
    "zero": lambda sign: 0.0 * sign,
    "traced network": lambda sign: torch.fx.symbolic_trace(Scaled(sign)),
    "njit": lambda sign: numba.njit(closure(sign)),
    "njit's options": lambda sign: numba.njit(closure(1), fastmath=sign > 0),
    "numba.vectorize": lambda sign: numba.vectorize(["float64(float64)"])(closure(sign)),
    "numba.vectorize, compiled when it is called": lambda sign: numba.vectorize(closure(sign)),
    "kernel of hardiness.imaging": lambda sign: compiled(closure(sign)),
    "helper of a kernel of hardiness.imaging": lambda sign: compiled_with(closure(sign))(closure(1)),
}
WITHOUT_VALUE: dict[str, Callable[[], Any]] = {
    "lock": threading.RLock,
    "logger": lambda: logging.getLogger("x"),
    "weak cache": weakref.WeakValueDictionary,
    "the process's own generators": lambda: (choice, normal, torch.default_generator, random._inst),  # type: ignore[attr-defined]
    "compiled network": lambda: torch.compile(linear(1)),
    "proxy of what is gone": lambda: [weakref.proxy(Hiding(1))],
}
"""They hold nothing that a network computes with, or what changes with the process."""

OPAQUE: dict[str, Callable[[], Any]] = {
    "builtins.generator": lambda: (each for each in (1,)),
    "_io.TextIOWrapper": lambda: io.TextIOWrapper(io.BytesIO()),
    "numpy.ufunc": lambda: np.frompyfunc(closure(1), 1, 1),
    "_queue.SimpleQueue": lambda: filled(queue.SimpleQueue(), 1),
    "numba.stencils.stencil.StencilFunc": lambda: numba.stencil(lambda a: a[0]),
}


class Scaled(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Net(nn.Module):
    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, x: Tensor) -> Tensor:
        return x


def identity(settings: Any) -> CodeIdentity:
    return code_identity(Net(settings))


@pytest.mark.parametrize("kind", BY_VALUE)
def test_a_setting_counts_by_value(kind: str) -> None:
    one, same, other = (identity(BY_VALUE[kind](sign)) for sign in (1, 1, -1))
    assert one.sha256 == same.sha256 != other.sha256
    assert one.left_out == ()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", WITHOUT_VALUE)
def test_what_holds_no_value_changes_nothing(kind: str) -> None:
    one, same = (identity(WITHOUT_VALUE[kind]()) for _ in range(2))
    assert one.sha256 == same.sha256
    assert one.left_out == ()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", OPAQUE)
def test_what_cannot_be_hashed_by_value_is_named(kind: str) -> None:
    found = identity({"client": [OPAQUE[kind]()]})
    (line,) = found.notes
    said = f"its key does not cover what cannot be hashed by value (client of settings of Net: {kind}): "
    assert (
        line
        == f"{said}each command begins anew; to go on, add tag=NAME to the model, and another NAME after a change there"
    )
    assert found.for_one_command() != found.for_one_command()


def test_a_function_counts_with_what_it_holds() -> None:
    for kind in ("SimpleNamespace", "T.Compose", "slots"):
        one, same, other = (
            function_identity(functools.partial(operator.mul, BY_VALUE[kind](sign))).sha256 for sign in (1, 1, -1)
        )
        assert one == same != other


@pytest.mark.parametrize("decorate", [numba.njit, compiled])
def test_a_compiled_kernel_counts_the_same_before_and_after_its_first_call(decorate: Callable[..., Any]) -> None:
    kernel = decorate(closure(2))
    before = function_identity(kernel)
    assert kernel(3) == 6
    assert function_identity(kernel) == before
    assert before.left_out == ()


GONE = weakref.proxy(Hiding(1))


def test_a_proxy_of_what_is_gone_counts_as_nothing_wherever_it_is_held() -> None:
    """Each look at it raises, and so no run of code that had one began."""
    in_cell = weakref.proxy(Hiding(1))
    assert function_identity(lambda x: (x, GONE)).left_out == ()
    assert function_identity(lambda x: (x, in_cell)).left_out == ()


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_a_nested_tensor_counts_by_value(layout: torch.layout) -> None:
    def nested(sign: int) -> Any:
        return torch.nested.nested_tensor([torch.tensor([float(sign)]), torch.zeros(2)], layout=layout)

    assert identity([nested(1)]).sha256 == identity([nested(1)]).sha256 != identity([nested(-1)]).sha256


def test_values_far_below_each_other_count() -> None:
    def nested(sign: int) -> list[Any]:
        found: list[Any] = [sign]
        for _ in range(1_000):
            found = [found]
        return found

    assert identity(nested(1)).sha256 == identity(nested(1)).sha256 != identity(nested(-1)).sha256


PRINTED = """
import json
import test_code_hash as tests
print(json.dumps({kind: tests.identity(make(1)).sha256 for kind, make in tests.BY_VALUE.items()}))
"""


@pytest.mark.slow
@pytest.mark.thorough
def test_another_process_gives_the_same_hashes() -> None:
    """Hashes of texts, addresses and the order of sets are others there."""
    path = os.pathsep.join([str(HERE.parent), *filter(None, sys.path)])
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PRINTED],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, other = (json.loads(child.communicate(timeout=300)[0]) for child in children)
    assert one == other
