"""Checks of the fields of a lead form."""

from __future__ import annotations

import re

from trunkline.config.folds import decimal_of, fold_date, fold_number, fold_text, fold_yes_no
from trunkline.config.lead_fields import LeadField
from trunkline.config.problems import Findings
from trunkline.config.regions import STATES
from trunkline.config.tree import Path
from trunkline.kernel.phone import is_e164

_ZIP = re.compile(r"[0-9]{5}")


def check_lead_fields(findings: Findings, path: Path, fields: tuple[LeadField, ...]) -> None:
    """Check every field, and that no two of them listen to one name."""
    owners: dict[str, str] = {}
    for place, field in enumerate(fields):
        here = (*path, place)
        if (field.type == "choice") != bool(field.choices):
            message = "a choice needs `choices`" if field.type == "choice" else "only a choice has `choices`"
            findings.error((*here, "choices"), "bad_lead_field", message, "write {type: choice, choices: [a, b]}")
        _check_bounds(findings, here, field)
        if field.max_length is not None and field.type != "text":
            hint = "leave it out: other types have lengths of their own"
            findings.error((*here, "max_length"), "bad_lead_field", "only a text has `max_length`", hint)
        if field.date_order != "iso" and field.type != "date":
            findings.error((*here, "date_order"), "bad_lead_field", "only a date has `date_order`", "leave it out")
        if field.default is not None and not _is_value(field, field.default):
            message = f"the default {field.default!r} is no {field.type.replace('_', ' ')} that the field takes"
            findings.error((*here, "default"), "bad_lead_field", message, "write it in the field's normal form")
        for at, name in enumerate((field.name, *field.also)):
            owner = owners.setdefault(fold_text(name), field.name)
            if at and owner != field.name:
                message = f"{name!r} is a name of the field {owner!r} already"
                findings.error((*here, "also", at - 1), "bad_lead_field", message, "keep it at one of them")


def _check_bounds(findings: Findings, path: Path, field: LeadField) -> None:
    fold = {"number": fold_number, "date": fold_date}.get(field.type)
    bounds: list[str] = []
    for name in ("min", "max"):
        bound = getattr(field, name)
        if bound is None:
            continue
        if fold is None:
            hint = "leave it out"
            findings.error((*path, name), "bad_lead_field", f"only numbers and dates have `{name}`", hint)
            continue
        folded = fold(bound)
        if folded is None:
            example = "18" if field.type == "number" else "1990-12-31"
            findings.error((*path, name), "bad_lead_field", f"{bound!r} is no {field.type}", f'write "{example}"')
        else:
            bounds.append(folded)
    if len(bounds) == 2 and _above(field, *bounds):
        findings.error((*path, "max"), "bad_lead_field", f"nothing is between {bounds[0]} and {bounds[1]}", "swap them")


def _above(field: LeadField, least: str, most: str) -> bool:
    return least > most if field.type == "date" else decimal_of(least) > decimal_of(most)


def _is_value(field: LeadField, text: str) -> bool:
    match field.type:
        case "phone":
            return is_e164(text)
        case "zip":
            return _ZIP.fullmatch(text) is not None
        case "state":
            return text in STATES
        case "date":
            return fold_date(text) is not None
        case "number":
            return fold_number(text) is not None
        case "yes_no":
            return fold_yes_no(text) is not None
        case "choice":
            return text in field.choices
        case "email":
            return "@" in text
    return bool(text.strip())
