"""The JSON Schema of the evidence file, derived from the types and docstrings of its records."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, Trust
from hardiness.core.result import Score, SlicedScore
from hardiness.core.spread import Interval, Spread
from hardiness.report.evidence.record import SCHEMA, VERSION, EvidenceRecord
from hardiness.results.gate import Gate, GateVerdict

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALARS: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}

FORMS: Mapping[Any, Mapping[str, Any]] = {
    Condition: {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
    Fact: {
        "type": "object",
        "description": "A remark: which one, and the numbers, keys and names that it is about.",
        "properties": {
            "code": {"type": "string"},
            "arguments": {"type": "object"},
            "text": {"type": "string", "description": "The same in words."},
            "about": {"type": "string"},
            "outcome": {"enum": [each.value for each in CheckOutcome]},
            "trust": {"enum": [each.value for each in Trust]},
        },
        "required": ["code", "arguments", "text"],
        "additionalProperties": False,
    },
    Interval: {
        "type": "array",
        "prefixItems": [{"type": "number"}] * 2,
        "items": False,
        "minItems": 2,
    },
    Spread: {
        "type": "object",
        "description": "How well a number is known: a kind of spread, and the numbers from which intervals follow.",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
    },
}
"""The schemas of types whose form is not that of their fields."""

COMPUTED: Mapping[Any, tuple[str, ...]] = {
    Gate: ("outcome", "exit_status", "counts"),
    GateVerdict: ("which_interval", "mark"),
    Score: ("interval",),
    SlicedScore: ("worst_value",),
}
"""What else stands in the form of a type, as it computes it."""


def evidence_schema() -> dict[str, Any]:
    """The schema; every field is required, and no other is allowed."""
    definitions: dict[str, Any] = {}
    root = _object(EvidenceRecord, definitions)
    root["properties"]["$schema"] = {**root["properties"]["$schema"], "const": SCHEMA}
    root["properties"]["version"] = {**root["properties"]["version"], "const": VERSION}
    return {
        "$schema": DIALECT,
        "title": f"Evidence file of hardiness, version {VERSION}",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def evidence_schema_json() -> bytes:
    """The bytes of the schema's file."""
    return (json.dumps(evidence_schema(), indent=1) + "\n").encode()


def _object(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    hints, descriptions = get_type_hints(kind), _descriptions(kind)
    properties = {}
    for field in fields(kind):
        if field.metadata.get("json_never"):
            continue
        schema = _schema(hints[field.name], definitions)
        text = descriptions.get(field.name, "")
        name = field.metadata.get("json_name") or field.name
        properties[name] = {**schema, **({"description": text} if text else {})}
    for name in COMPUTED.get(kind, ()):
        computed = getattr(kind, name).fget
        schema = _schema(get_type_hints(computed)["return"], definitions)
        properties[name] = {
            **schema,
            "description": _plain((inspect.getdoc(computed) or "").partition("\n")[0]),
        }
    about = (inspect.getdoc(kind) or "").partition("\n")[0]
    return {
        "type": "object",
        "description": _plain(about),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one type; dataclasses are defined once, by name."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if hint in FORMS:
        return dict(FORMS[hint])
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if is_dataclass(hint):
        name = hint.__name__  # type: ignore[union-attr]  # a class
        if name not in definitions:
            definitions[name] = {}  # before what is inside, which may name it
            definitions[name] = _object(hint, definitions)  # type: ignore[arg-type]  # a class
        return {"$ref": f"#/$defs/{name}"}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(argument, definitions) for argument in arguments]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is tuple:
        parts = [_schema(argument, definitions) for argument in arguments]
        return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}
    return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}


def _descriptions(kind: type[Any]) -> dict[str, str]:
    """The descriptions of a record's fields, from its docstring."""
    _, _, attributes = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    descriptions: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", attributes):
        names, colon, text = entry.strip().partition(": ")
        if colon:
            descriptions.update(dict.fromkeys(re.split(r",\s*", names), _plain(text)))
    return descriptions


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "").split())
