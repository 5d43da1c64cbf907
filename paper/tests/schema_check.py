# SPDX-License-Identifier: MIT
"""The part of JSON Schema that results/schema uses, so that documents of tests are held against it. Test code only."""

import json
import os

_SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "results", "schema", "report.schema.json")
_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float), "integer": int}


def problems(document):
    """Every place where the document is not what the schema of reports says."""
    with open(_SCHEMA, encoding="utf-8") as source:
        return list(_check(document, json.load(source), ""))


def _check(value, schema, place):
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, _TYPES[kind]) and not (isinstance(value, bool) and kind in ("number", "integer")) for kind in types):
        yield f"{place}: is not of type {types}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    if "minimum" in schema and isinstance(value, (int, float)) and value < schema["minimum"]:
        yield f"{place}: {value} is below the minimum"
    if isinstance(value, dict):
        yield from _object(value, schema, place)
    for index, element in enumerate(value if isinstance(value, list) else ()):
        yield from _check(element, schema.get("items", {}), f"{place}[{index}]")


def _object(value, schema, place):
    yield from (f"{place}: lacks {name}" for name in schema.get("required", ()) if name not in value)
    for name, member in value.items():
        if name in schema.get("properties", {}):
            yield from _check(member, schema["properties"][name], f"{place}.{name}")
        elif "additionalProperties" in schema:
            yield from _check(member, schema["additionalProperties"], f"{place}.{name}")
        elif schema.get("properties"):
            yield f"{place}: the schema does not describe {name}"
