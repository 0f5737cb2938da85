"""The JSON Schema of the evidence file, derived from the types and docstrings of its records."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hardiness.report.evidence.record import SCHEMA, VERSION, EvidenceRecord

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALARS: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


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
        schema = _schema(hints[field.name], definitions)
        text = descriptions.get(field.name, "")
        name = field.metadata.get("json_name") or field.name
        properties[name] = {**schema, **({"description": text} if text else {})}
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
