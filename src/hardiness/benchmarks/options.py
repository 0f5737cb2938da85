"""Benchmarks by name and from their command-line form: ``NAME:option=value,…``; a file may stand for the name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from hardiness import attacks, distortions, models
from hardiness.benchmarks.score_file import PREFIX as SCORES_PREFIX
from hardiness.benchmarks.score_file import score_file
from hardiness.core.benchmark import Benchmark
from hardiness.core.bounds import MOST_STEPS, require_within
from hardiness.core.errors import ArgumentError, DataError, ModelError, UnknownNameError, suggestion
from hardiness.core.registry import Registry, subclass_of
from hardiness.core.run import spelled


def benchmark_of_package(package: Any, name: str) -> type[Benchmark] | None:
    """The benchmark that ``NAME.toml`` in an installed package describes; ``None`` where the package has no such file.

    Raises:
        DataError: the file says something that it cannot; the message says what.
    """
    files = (Path(folder, f"{name}.toml") for folder in getattr(package, "__path__", ()))
    file = next((file for file in files if file.is_file()), None)
    return None if file is None else benchmark_of_file(file)


registry: Registry[type[Benchmark]] = Registry(
    "benchmark",
    "hardiness.benchmarks",
    "hardiness.benchmarks",
    subclass_of(Benchmark, "name", "question", "paper", "protocol", "needs", "card"),
    benchmark_of_package,
)

_readers: dict[str, Callable[[Path], type[Benchmark]]] = {}
"""Readers that make a benchmark of a TOML file, by the ``kind`` that the file says."""


def reads(*kinds: str) -> Callable[[Callable[[Path], type[Benchmark]]], Callable[[Path], type[Benchmark]]]:
    """Decorator of a function that makes a benchmark of a TOML file of these kinds."""

    def decorate(read: Callable[[Path], type[Benchmark]]) -> Callable[[Path], type[Benchmark]]:
        _readers.update(dict.fromkeys(kinds, read))
        return read

    return decorate


def benchmark_of_file(file: Path) -> type[Benchmark]:
    """The benchmark that a TOML file describes, not registered yet; it is called as the file is.

    Raises:
        ArgumentError: there is no such file, or its ``kind`` is none that makes a benchmark.
        DataError: it is no TOML, or says something that it cannot; the message says what.
    """
    registry.load_shipped()  # and with it what reads each kind
    if not file.is_file():
        raise ArgumentError(f"{TOML_PREFIX} must be followed by a file; there is none at {file}")
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:  # no TOML, or no UTF-8
        raise DataError(f"{file}: must be TOML, but {error}") from None
    if content.get("kind") not in _readers:
        raise ArgumentError(f"{file}: kind must be one of {', '.join(sorted(_readers))}, was {content.get('kind')!r}")
    return _readers[content["kind"]](file)


ENGINE_OWNED = ("steps", "epsilon", "norm", "targeted")
"""Fields of an attack that the benchmark sets."""

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")

FILE_PREFIX = "py:"

_OWN_BENCHMARK = re.compile(r"(py:.+?\.py:\w+)(?::(.*))?", re.DOTALL)
TOML_PREFIX = "toml:"
_DESCRIBED_BENCHMARK = re.compile(r"(toml:.+?\.toml)(?::(.*))?", re.DOTALL)


def options_of(attack: str) -> dict[str, Field[Any]]:
    """The fields of an attack that can be chosen, by name; none where it is no dataclass.

    Raises:
        UnknownNameError: there is no such attack.
    """
    kind: Any = attacks.registry.get(attack)
    if not is_dataclass(kind):
        return {}
    return {option.name: option for option in fields(kind) if option.init and option.name not in ENGINE_OWNED}


def with_options(
    benchmark: str, attack: str, texts: Sequence[tuple[str, str]], read: Callable[[str, Field[Any], str], Any]
) -> tuple[tuple[str, Any], ...]:
    """The options of an attack, as text, with the types that its fields have; checked by making one.

    Args:
        benchmark: for messages.
        attack: registered name.
        texts: names and values as written.
        read: turns a value into its field's type.

    Raises:
        UnknownNameError: there is no such attack.
        ArgumentError: the attack has no such option, or the value is none that it takes.
    """
    options = options_of(attack)
    for name, _ in texts:
        if name not in options:
            hint = suggestion(name, sorted(options)) if options else "; it has none"
            raise ArgumentError(f"attack {attack} of {benchmark} has no option {name!r}{hint}")
    values = {name: read(attack, options[name], text) for name, text in texts}
    attacks.registry.get(attack)(**values)
    return tuple(values.items())


def check_attack(benchmark: str, attack: str, norm: str, epsilons: Sequence[float], targeted: bool) -> None:
    """Raise an error unless the attack keeps to that threat model at these epsilons.

    Raises:
        UnknownNameError: there is no such attack or threat model.
        ArgumentError: the package that has one is faulty, the attack does not know the threat model, an epsilon means
            nothing under it, or a targeted attack was asked of one that is not.
    """
    attacks.threat_models.refuse_faulty(norm)
    if norm not in attacks.threat_models:
        raise UnknownNameError(f"norm of {benchmark}", norm, attacks.threat_models)
    norms = attacks.threats_of(attack)
    if norm not in norms:
        raise ArgumentError(f"{benchmark}: attack {attack} does not know norm {norm!r}; it knows {', '.join(norms)}")
    for epsilon in epsilons:
        if epsilon == 0:
            raise ArgumentError(
                f"{benchmark}:epsilons must be above 0, had 0: nothing may change there, and clean accuracy stands "
                "beside every result"
            )
        attacks.check_epsilon(norm, epsilon, f"{benchmark}:epsilons")
    if len(set(epsilons)) < len(epsilons):
        raise ArgumentError(f"{benchmark}:epsilons must differ, had {', '.join(f'{budget:g}' for budget in epsilons)}")
    if targeted and not getattr(attacks.registry.get(attack), "can_target", True):
        raise ArgumentError(f"{benchmark}: attack {attack} is untargeted; leave out targeted=true")


def described(attack: str) -> Mapping[str, Any]:
    """Options of an attack with their defaults, for listings."""
    return {name: option.default for name, option in options_of(attack).items()}


def parse(text: str) -> Benchmark:
    """The benchmark that ``text`` names, with its options set.

    Raises:
        UnknownNameError: no benchmark has that name.
        ArgumentError: an option is unknown or has an impossible value.
    """
    name, settings = _parted(text)
    benchmark: type[Benchmark] = score_file(text)[0] if text.startswith(SCORES_PREFIX) else registry.get(name)
    options = {name_of(option): option for option in fields(benchmark) if "of" not in option.metadata}  # type: ignore[arg-type]
    attack_options = next((option for option in fields(benchmark) if "of" in option.metadata), None)  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    others: list[tuple[str, str]] = []
    keys: dict[str, None] = {}
    for pair in filter(None, settings.split(",")):
        key, equals, value = pair.partition("=")
        if not equals and values and isinstance(next(reversed(values.values())), tuple):
            last = next(reversed(keys))
            raise ArgumentError(f"{name}:{last} takes + between its values; write {last}=…+{key}, was {text!r}")
        if key in keys:
            raise ArgumentError(f"option {key!r} of benchmark {name} is given twice in {text!r}; give it once")
        keys[key] = None
        if equals and key in options:
            values[options[key].name] = _value(name, options[key], value)
        elif equals and attack_options is not None:
            others.append((key, value))
        else:
            hint = _protocols(benchmark) if key == "protocol" else suggestion(key, sorted(options))
            raise ArgumentError(f"benchmark {name} has no option {key!r}{hint}")
    if attack_options is not None and others:
        owner = next(option for option in options.values() if option.name == attack_options.metadata["of"])
        attack = values.get(owner.name, owner.default)
        if unknown := [key for key, _ in others if key not in options_of(attack)]:
            both = sorted({*options, *options_of(attack)})
            raise ArgumentError(
                f"neither benchmark {name} nor its attack {attack} has an option {unknown[0]!r}"
                f"{suggestion(unknown[0], both)}"
            )
        values[attack_options.name] = with_options(name, attack, others, _value)
    return benchmark(**values)


def _protocols(benchmark: type[Benchmark]) -> str:
    """The end of a message where somebody states a protocol of a benchmark whose protocols are no option."""
    second = benchmark.second_protocol
    beside = f", and each run gives a second score by {second}" if second else ""
    return f": its protocol is {benchmark.protocol}{beside}; leave it out"


def _parted(text: str) -> tuple[str, str]:
    """The registered name of the benchmark that a text begins with, and its options."""
    if text.startswith(FILE_PREFIX):
        match = _OWN_BENCHMARK.fullmatch(text)
        if match is None:
            raise ArgumentError(f"a benchmark of your own must read py:FILE.py:NAME[:option=value,…], was {text!r}")
        return own_name(match[1], registry), match[2] or ""
    if text.startswith(TOML_PREFIX):
        match = _DESCRIBED_BENCHMARK.fullmatch(text)
        if match is None:
            raise ArgumentError(f"a benchmark of a file must read toml:FILE.toml[:option=value,…], was {text!r}")
        return _described_name(match[1]), match[2] or ""
    if text.startswith(SCORES_PREFIX):
        kind, settings = score_file(text)
        return kind.name, settings
    name, _, settings = text.partition(":")
    if name.endswith(".py") and name not in registry:
        raise UnknownNameError("benchmark", text, registry, repr(f"{FILE_PREFIX}{text}"))
    if name.endswith(".toml") and name not in registry:
        raise UnknownNameError("benchmark", text, registry, repr(f"{TOML_PREFIX}{text}"))
    return name, settings


def benchmark_name(text: str) -> str:
    """The registered name of the benchmark that a text names, as `parse` reads it."""
    return _parted(text)[0]


_typed: dict[tuple[str, str], str] = {}
"""The names by which a person calls what a file of theirs has registered, by kind and registered name."""

_files: dict[str, Path] = {}
"""The files that were run or read, by the name that they have without their folder."""

_contents: dict[Path, bytes] = {}
"""The content of each TOML file when its benchmark was made."""


def _described_name(text: str) -> str:
    """The name under which the benchmark of ``toml:FILE.toml`` is registered by now, anew where the file was edited."""
    file = Path(text.removeprefix(TOML_PREFIX)).resolve()
    _refuse_same_name(file)
    content = file.read_bytes() if file.is_file() else b""
    if _contents.get(file) != content or file.stem not in registry:
        registry.register(file.stem, benchmark_of_file(file), str(file))
        _contents[file] = content
    _typed[registry.kind, file.stem] = text
    return file.stem


def _refuse_same_name(file: Path) -> None:
    if (other := _files.setdefault(file.stem, file)) != file:
        raise ArgumentError(f"{other} and {file} have one name, so that one would take the other's place; rename one")


def own_name(text: str, registered: Registry[Any]) -> str:
    """The name under which ``py:FILE.py:NAME``, or ``toml:FILE.toml``, is registered by now; another text as it is.

    Args:
        text: as a person types it.
        registered: where it must be registered by a decorator of the file.

    Raises:
        UnknownNameError: the file registers nothing there by that name.
        ArgumentError: the text reads otherwise, the file cannot be imported, or two files have one name.
    """
    if registered is registry and text.startswith(TOML_PREFIX):
        return _described_name(text)
    if not text.startswith(FILE_PREFIX):
        return text
    own = models.OwnFile.named(text.removeprefix(FILE_PREFIX), FILE_PREFIX)
    _refuse_same_name(own.file.resolve())
    try:
        value = own.value(registered.kind, lambda value: any(value is entry for entry in registered.own().values()))
    except ModelError as error:
        raise ArgumentError(str(error)) from error
    name = next(name for name, entry in registered.own().items() if entry is value)
    _typed[registered.kind, name] = text
    return name


def _named_by(option: Field[Any]) -> Registry[Any] | None:
    """The registry that an option names things of; ``None`` where a file may define none of them."""
    registries: dict[str, Registry[Any]] = {
        **dict.fromkeys(("corruption", "corruptions"), distortions.corruptions),
        **dict.fromkeys(("perturbation", "perturbations"), distortions.perturbations),
        "attack": attacks.registry,
    }
    return registries.get(name_of(option))


def _as_typed(option: Field[Any], value: Any) -> Any:
    """The value of an option with what files have registered as a person names it."""
    named = _named_by(option)
    if named is None:
        return value
    if isinstance(value, tuple):
        return tuple(_typed.get((named.kind, name), name) for name in value)
    return _typed.get((named.kind, value), value)


def text_of(benchmark: Benchmark) -> str:
    """The text that `parse` reads as the benchmark: its name, and the options that are not at their defaults."""
    texts = []
    for option in fields(benchmark):  # type: ignore[arg-type]  # concrete benchmarks are dataclasses
        value = getattr(benchmark, option.name)
        if "of" in option.metadata:
            texts += [f"{name}={spelled(setting)}" for name, setting in value]
        elif value != option.default:
            texts.append(f"{name_of(option)}={spelled(_as_typed(option, value))}")
    name = _typed.get((registry.kind, benchmark.name), benchmark.name)
    return f"{name}:{','.join(texts)}" if texts else name


def name_of(option: Field[Any]) -> str:
    """The option's name on the command line: the field's, or the one in its metadata."""
    name: str = option.metadata.get("name", option.name)
    return name


def describe(benchmark: type[Benchmark]) -> list[tuple[str, Any, str]]:
    """Name, default and help text of each option."""
    return [
        (name_of(option), None if option.default is MISSING else option.default, option.metadata.get("help", ""))
        for option in fields(benchmark)  # type: ignore[arg-type]
    ]


def _value(benchmark: str, option: Field[Any], text: str) -> Any:
    """The option's value: the type is that of its default; tuples are written with ``+`` between their items.

    An empty tuple says the type of its items in the field's ``metadata["item"]``; without it they are text.
    """
    default = option.default
    if (named := _named_by(option)) is not None:
        text = "+".join(own_name(part, named) for part in text.split("+"))
    if isinstance(default, tuple):
        item = type(default[0]) if default else option.metadata.get("item", str)
        return tuple(_scalar(benchmark, option.name, item, part) for part in text.split("+"))
    if default is None:
        return _scalar(benchmark, option.name, option.metadata.get("item", float), text)
    return _scalar(benchmark, option.name, type(default), text)


def _scalar(benchmark: str, option: str, kind: type, text: str) -> Any:
    if kind is bool:
        if text.lower() not in TRUE + FALSE:
            raise ArgumentError(f"{benchmark}:{option} must be true or false, was {text!r}")
        return text.lower() in TRUE
    try:
        value = _number(kind, text) if kind in (int, float) else kind(text)
    except (ValueError, ZeroDivisionError):
        raise ArgumentError(f"{benchmark}:{option} must be of type {kind.__name__}, was {text!r}") from None
    if kind in (int, float):
        require_within(f"{benchmark}:{option}", value, -MOST_STEPS, MOST_STEPS)
    return value


def _number(kind: type, text: str) -> int | float:
    """A number as people write it; epsilons also as 4/255."""
    if not text.isascii() or "_" in text:
        raise ValueError("int() and float() take 1_0 and digits of every script")
    above, divided, below = text.partition("/")
    if kind is float and divided:
        return float(above) / float(below)
    return int(text) if kind is int else float(text)
