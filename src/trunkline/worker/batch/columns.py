"""Which column is which field of the campaign's form: by name, by the field's other names, or as it is said.

All that is wrong is told at once, before a row is posted: an import is stopped by its header or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Literal

import msgspec

from trunkline.config.folds import fold_text
from trunkline.config.lead_fields import LeadField
from trunkline.engine.leads.consent import HIDDEN_FIELDS, NAMES
from trunkline.kernel.errors import UsageError
from trunkline.worker.batch.rows import COLUMNS_MAX, Row, column_name, text_of

NAME_LENGTH_MAX: Final = 200
IGNORE: Final = "-"
"""What a column is mapped to that is not to be sent."""
SOURCE: Final = "source"
CONSENT: Final = "consent."
"""Before what is stated of the person's consent: `consent.certificate`."""
OWN_COLUMNS: Final = ("error_row", "error_field", "error_code", "error_message")
"""The columns that a file of errors has before those of the file that it came from."""

ESCAPE: Final = "'"
"""Before cells of a file of errors that a spreadsheet would take for a formula."""

Part = Literal["field", "source", "consent"]
_SEPARATED: Final = re.compile(r"[\s_-]+")
_PLACE: Final = re.compile(r"#([1-9][0-9]{0,3})")


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the file, at `place` from 0. `part` None is not sent, for the reason `why`.

    `sent_as` is the name that is sent; `field` what the form says of it, None where no form is known.
    """

    place: int
    name: str
    part: Part | None = None
    sent_as: str = ""
    field: LeadField | None = None
    why: str = ""

    @property
    def shown(self) -> str:
        """The column for people: its letter and its name."""
        return f"{column_name(self.place)} ({self.name or 'no name'})"


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a file. `escaped` is whether it is a file of errors, whose cells begin with a mark of ours."""

    all: tuple[Column, ...]
    escaped: bool = False

    @property
    def sent(self) -> tuple[Column, ...]:
        """Those that are sent."""
        return tuple(column for column in self.all if column.part is not None)

    @property
    def ignored(self) -> tuple[Column, ...]:
        """Those that are not."""
        return tuple(column for column in self.all if column.part is None)


class BadColumns(UsageError):
    """The columns of the file and the fields of the form do not fit together; nothing was posted."""


def columns_of(
    header: Row, form: Sequence[LeadField] | None, said: Mapping[str, str], file: str, honeypot: str | None = None
) -> Columns:
    """What each column of `header` is. `form` None: every column that has a name is sent by it.

    `said` maps columns, by name or `#3`, to fields, `source`, `consent.NAME`, or `-`. A column of the name `honeypot`
    is sent too: it says who filled in the form. Raises BadColumns.
    """
    names = [text_of(cell).strip() for cell in header.cells]
    escaped = {fold_text(name) for name in names}.issuperset(OWN_COLUMNS)
    if escaped:
        names = [name.removeprefix(ESCAPE) for name in names]
    problems = list(_unusable(names))
    chosen, wrong = _chosen(names, said)
    problems += wrong
    columns = [
        _told(place, name, chosen[place], form, problems) if place in chosen else _found(place, name, form, honeypot)
        for place, name in enumerate(names)
    ]
    if escaped:
        columns = [_without_ours(column) for column in columns]
    problems += _doubled(columns)
    problems += _missing(columns, form)
    if not problems and not any(column.part == "field" for column in columns):
        problems.append("none of its columns is a field of the form")
    if problems:
        listed = ", ".join(field.name for field in form or ())
        hint = f"say which column is which field: --map COLUMN=FIELD; fields: {listed}" if listed else ""
        raise BadColumns(f"{file}: {'; '.join(problems)}", hint=hint or "repair the first row of the file")
    return Columns(all=tuple(columns), escaped=escaped)


def _unusable(names: Sequence[str]) -> Iterable[str]:
    if len(names) > COLUMNS_MAX:
        yield f"more than {COLUMNS_MAX} columns"
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if len(name) > NAME_LENGTH_MAX or not name.isprintable() or "\ufffd" in name:
            yield f"column {column_name(place)} has a name that cannot be read: {name[:40]!r}"
        elif name:
            first = places.setdefault(fold_text(name), place)
            if first != place:
                yield f"columns {column_name(first)} and {column_name(place)} have the same name {name!r}"


def _chosen(names: Sequence[str], said: Mapping[str, str]) -> tuple[dict[int, str], list[str]]:
    """What was said, by place; and what was said of columns that are not there."""
    places = {fold_text(name): place for place, name in reversed(list(enumerate(names))) if name}
    chosen: dict[int, str] = {}
    problems = []
    for name, target in said.items():
        numbered = _PLACE.fullmatch(name)
        place = int(numbered[1]) - 1 if numbered is not None else places.get(fold_text(name), -1)
        if not 0 <= place < len(names):
            close = get_close_matches(name, names, n=1)
            meant = f", did you mean {close[0]!r}?" if close else ""
            problems.append(f"there is no column {name!r}{meant}")
        elif chosen.setdefault(place, target) != target:
            problems.append(f"column {column_name(place)} is mapped to {chosen[place]!r} and to {target!r}")
    return chosen, problems


def _told(place: int, name: str, target: str, form: Sequence[LeadField] | None, problems: list[str]) -> Column:
    if target == IGNORE:
        return Column(place=place, name=name, why="left out as was said")
    for field in form or ():
        if fold_text(target) in (fold_text(each) for each in (field.name, *field.also)):
            return Column(place=place, name=name, part="field", sent_as=target, field=field)
    special = _special(place, name, target)
    if special is not None:
        return special
    if form is None:
        return Column(place=place, name=name, part="field", sent_as=target)
    close = get_close_matches(target, [field.name for field in form], n=1)
    meant = f", did you mean {close[0]!r}?" if close else ""
    problems.append(f"column {column_name(place)} is mapped to {target!r}, which is no field of the form{meant}")
    return Column(place=place, name=name)


def _found(place: int, name: str, form: Sequence[LeadField] | None, honeypot: str | None) -> Column:
    """A column by its name: a field's own name or another one of it, also with spaces or dashes for underscores."""
    if not name:
        return Column(place=place, name=name, why="it has no name")
    if form is None:
        return _special(place, name, name) or Column(place=place, name=name, part="field", sent_as=name)
    for alike in (fold_text, _loose):
        for field in form:
            for known in (field.name, *field.also):
                if alike(known) == alike(name):
                    return Column(place=place, name=name, part="field", sent_as=known, field=field)
    if honeypot is not None and fold_text(name) == fold_text(honeypot):
        return Column(place=place, name=name, part="field", sent_as=name)
    return _special(place, name, name) or Column(place=place, name=name, why="no field of the form has this name")


def _special(place: int, name: str, target: str) -> Column | None:
    folded = fold_text(target)
    if folded == SOURCE:
        return Column(place=place, name=name, part="source", sent_as=SOURCE)
    stated = HIDDEN_FIELDS.get(folded, folded.removeprefix(CONSENT) if folded.startswith(CONSENT) else "")
    if stated in NAMES:
        return Column(place=place, name=name, part="consent", sent_as=stated)
    return None


def _loose(name: str) -> str:
    return _SEPARATED.sub("_", fold_text(name))


def _without_ours(column: Column) -> Column:
    if fold_text(column.name) in OWN_COLUMNS:
        return Column(place=column.place, name=column.name, why="it says what was wrong with the row")
    return column


def _doubled(columns: Sequence[Column]) -> Iterable[str]:
    """Two columns that would be sent by one name: one of them would be lost."""
    firsts: dict[tuple[Part, str], Column] = {}
    for column in columns:
        if column.part is not None:
            first = firsts.setdefault((column.part, fold_text(column.sent_as)), column)
            if first is not column:
                yield f"columns {first.shown} and {column.shown} are both {column.sent_as!r}"


def _missing(columns: Sequence[Column], form: Sequence[LeadField] | None) -> Iterable[str]:
    have = {column.field.name for column in columns if column.field is not None}
    for field in form or ():
        if field.required and field.default is None and field.name not in have:
            yield f"no column is the field {field.name!r}, which the campaign needs"
