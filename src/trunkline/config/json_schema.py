"""Makes the JSON Schema (draft 2020-12) of a configuration file from the structs, for editors that complete and check.

It is wider than `check`: it knows shapes and allowed words, not references.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect

from trunkline.config import schema
from trunkline.config.criteria import All, AnyOf, Condition, Not, Operator
from trunkline.config.deliveries import Email
from trunkline.config.flows import Prompt
from trunkline.config.hours import Hours
from trunkline.config.meanings import meaning_of
from trunkline.config.ranges import RANGES
from trunkline.config.return_rules import Returns
from trunkline.config.selling import Margin, MarginRange
from trunkline.config.shapes import WEEKDAYS
from trunkline.config.shapes_criteria import FILE_OPERATORS, LIST_OPERATORS, ONE_OR_MORE
from trunkline.config.shapes_flow import ALL_NODES, NODES
from trunkline.config.trunks import Trunk
from trunkline.kernel.money import Money

Schema = dict[str, Any]

TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""Scalars are text, but what reads YAML for an editor gives `06401` and `true` types of their own."""
AMOUNT: Schema = {"type": ["string", "number"], "pattern": r"^[0-9]{1,16}(\.[0-9]{1,6})?$"}
SWITCH: Schema = {"enum": [True, False, "true", "false"]}
_CRITERIA = (All, AnyOf, Not, Condition)
_AMOUNTS = {
    (schema.Payout, "percent"),
    (Returns, "share_percent"),
    (Margin, "percent"),
    (MarginRange, "percent"),
    (schema.Limit, "max"),
    (Trunk, "max_cost_per_hour"),
    (Trunk, "cost_per_minute"),
    (schema.Tier, "min_score"),
    (schema.Route, "min_score"),
    (schema.Performance, "trial_share"),
}
_ONE_OR_MORE = {(schema.Target, "trunk"), (Email, "to"), (Email, "cc")}
"""Lists of texts for which one text may stand."""


def json_schema() -> Schema:
    """The schema of a file that holds an account, the platform, or both."""
    definitions: dict[str, Schema] = {}
    properties: dict[str, Schema] = {"version": {"enum": [schema.VERSION, str(schema.VERSION)]}}
    for part in (schema.AccountConfig, schema.Platform):
        properties |= _properties(part, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trunkline configuration",
        "type": "object",
        "properties": properties,
        "required": ["version"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _properties(kind: type[msgspec.Struct], definitions: dict[str, Schema]) -> dict[str, Schema]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    found = {}
    for field in info.fields:
        inner = _field(kind, field, definitions)
        found[field.encode_name] = {"description": meaning_of(kind.__name__, field.name)} | inner
    return found


def _field(kind: type[msgspec.Struct], field: inspect.Field, definitions: dict[str, Schema]) -> Schema:
    if (kind, field.name) in _AMOUNTS:
        return AMOUNT
    if (kind, field.name) in _ONE_OR_MORE:
        return {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]}
    if field.name in {"prompts", "invalid"}:
        return _prompts(definitions)
    made = _of(field.type, definitions)
    least_most = RANGES.get(kind, {}).get(field.name)
    if least_most is not None:
        made = made | {"minimum": least_most[0], "maximum": least_most[1]}
    return made


def _of(kind: inspect.Type, definitions: dict[str, Schema]) -> Schema:
    if isinstance(kind, inspect.UnionType):
        members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
        made = _of(members[0], definitions)
        return {"anyOf": [made, {"type": "null"}]} if len(members) < len(kind.types) else made
    if isinstance(kind, inspect.StrType):
        return TEXT
    if isinstance(kind, inspect.BoolType):
        return SWITCH
    if isinstance(kind, inspect.IntType):
        return {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"}
    if isinstance(kind, inspect.LiteralType):
        return {"enum": [str(value) for value in kind.values]}
    if isinstance(kind, inspect.EnumType):
        return {"enum": [str(member.value) for member in kind.cls]}
    if isinstance(kind, inspect.VarTupleType):
        return {"type": "array", "items": _of(kind.item_type, definitions)}
    if isinstance(kind, inspect.DictType):
        return {"type": "object", "additionalProperties": _of(kind.value_type, definitions)}
    assert isinstance(kind, inspect.StructType)
    return _struct(kind.cls, definitions)


def _struct(kind: type[msgspec.Struct], definitions: dict[str, Schema]) -> Schema:
    if kind is Money:
        return AMOUNT
    name: str
    make: Callable[[dict[str, Schema]], Schema]
    if kind in _CRITERIA:
        name, make = "Criteria", _criteria
    elif kind in NODES.values():
        name, make = "FlowNode", _flow_node
    elif kind is Hours:
        name, make = "Hours", _hours
    else:
        name, make = kind.__name__, _object_of(kind)
    if name not in definitions:
        definitions[name] = {}  # taken before it is made, for what refers to itself
        definitions[name] = make(definitions)
    return {"$ref": f"#/$defs/{name}"}


def _object_of(kind: type[msgspec.Struct]) -> Callable[[dict[str, Schema]], Schema]:
    def make(definitions: dict[str, Schema]) -> Schema:
        made: Schema = {"type": "object", "properties": _properties(kind, definitions), "additionalProperties": False}
        if kind is Prompt:
            return {"anyOf": [TEXT, made | {"oneOf": [{"required": ["say"]}, {"required": ["file"]}]}]}
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        required = [field.encode_name for field in info.fields if field.required]
        return made | {"description": " ".join((kind.__doc__ or "").split()), "required": required}

    return make


def _hours(_: dict[str, Schema]) -> Schema:
    time = "([01][0-9]|2[0-3]):[0-5][0-9]"
    ranges = {"type": "array", "items": {"type": "string", "pattern": f"^{time} ?- ?({time}|24:00)$"}}
    days: dict[str, Schema] = dict.fromkeys(WEEKDAYS, ranges)
    by_date = {"type": "object", "patternProperties": {r"^\d{4}-\d{2}-\d{2}$": ranges}, "additionalProperties": False}
    return {
        "type": "object",
        "properties": days | {"exceptions": by_date, "holidays": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _criteria(_: dict[str, Schema]) -> Schema:
    node = {"$ref": "#/$defs/Criteria"}
    nodes = {"type": "array", "items": node, "minItems": 1}
    values = {"type": "array", "items": TEXT, "minItems": 1}
    properties: dict[str, Schema] = {"all": nodes, "any": nodes, "not": node, "attr": TEXT}
    for operator in Operator:
        allowed: list[Schema] = [values] if operator in LIST_OPERATORS else [TEXT]
        if operator in ONE_OR_MORE:
            allowed.append(values)
        if operator in FILE_OPERATORS:
            allowed.append(
                {"type": "object", "properties": {"file": TEXT}, "required": ["file"], "additionalProperties": False}
            )
        properties[operator.value] = allowed[0] if len(allowed) == 1 else {"anyOf": allowed}
    properties[Operator.EXISTS.value] = SWITCH
    properties[Operator.NEAR.value] = {
        "type": "object",
        "properties": {"zip": TEXT, "miles": TEXT},
        "required": ["zip", "miles"],
        "additionalProperties": False,
    }
    properties["confidence"] = {"type": ["number", "string"]}
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def _prompts(definitions: dict[str, Schema]) -> Schema:
    prompt = _struct(Prompt, definitions)
    return {"anyOf": [prompt, {"type": "array", "items": prompt, "minItems": 1}]}


def _flow_node(definitions: dict[str, Schema]) -> Schema:
    """One verb; the fields inside it are named here, the ways out may stand beside it."""
    verbs: dict[str, Schema] = {"say": _prompts(definitions)}
    for verb, kind in ALL_NODES.items():
        properties = _properties(kind, definitions)
        if "prompts" in properties:
            properties |= _properties(Prompt, definitions)
        inside: Schema = {"type": ["object", "null"], "properties": properties, "additionalProperties": False}
        verbs[verb] = inside
    verbs["play"] = {"anyOf": [verbs["play"], _prompts(definitions)]}
    verbs["set"] = {"type": "object", "additionalProperties": TEXT}
    verbs["splitter"] = {"anyOf": [verbs["splitter"], verbs["splitter"]["properties"]["split"]]}
    beside: Schema = {"next": TEXT, "otherwise": TEXT, "lang": TEXT}
    return {
        "type": "object",
        "properties": verbs | beside,
        "additionalProperties": False,
        "oneOf": [{"required": [verb]} for verb in verbs],
    }
