"""Leads as a table: columns and rows, the CSV of them, and the names that tell one delivery from another.

All of it follows from the leads and the configuration, so whatever is made again for another try is the same, byte for
byte, and can be recognized by whoever got it the first time.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from trunkline.config.deliveries import Sheet
from trunkline.engine.leads.timetable import slot_ms
from trunkline.engine.payloads.templates import render
from trunkline.kernel.windows import zone_of

NAME_MAX: Final = 150
"""Characters of a file's name, so that every server takes it with something of ours beside it."""
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![0-9 ().-]*\Z)")
"""What spreadsheets take for a formula. A phone number in E.164 is none."""
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._@+-]+")


class QueuedLead(msgspec.Struct, frozen=True):
    """One lead that goes out: its attempt, its id, its campaign, when it was queued, and all that was known of it."""

    attempt: str
    lead: str
    campaign: str
    queued_ms: int
    values: Mapping[str, str]


class Consignment(msgspec.Struct, frozen=True):
    """Leads that go out as one, in their order, by the clock of `zone`. `id` names them at every try."""

    id: str
    leads: tuple[QueuedLead, ...]
    zone: str
    slot_ms: int

    def facts(self, lead: QueuedLead) -> dict[str, str]:
        """What templates may ask for: all that is known of one of the leads, and of the delivery."""
        local = datetime.fromtimestamp(self.slot_ms // 1000, UTC).astimezone(zone_of(self.zone))
        return {
            **lead.values,
            "delivery.id": self.id,
            "delivery.lead": lead.lead,
            "delivery.campaign": lead.campaign,
            "delivery.count": str(len(self.leads)),
            "delivery.date": local.date().isoformat(),
            "delivery.time": f"{local.hour:02}-{local.minute:02}",
        }


def consign(leads: Sequence[QueuedLead], sheet: Sheet, zone: str) -> Consignment:
    """Leads that go out together; one alone is called like its attempt."""
    assert leads
    ordered = tuple(sorted(leads, key=lambda lead: lead.attempt))
    name = delivery_id([lead.attempt for lead in ordered])
    return Consignment(name, ordered, zone, max(slot_ms(sheet, zone, lead.queued_ms) for lead in ordered))


def delivery_id(attempts: Sequence[str]) -> str:
    """What a delivery of these attempts, in their order, is called at every try."""
    if len(attempts) == 1:
        return attempts[0]
    return f"{attempts[0]}-{hashlib.sha256(' '.join(attempts).encode()).hexdigest()[:12]}"


def table(consignment: Consignment, columns: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows. Without `columns`: the lead's id, and each field that any of the leads has."""
    if columns:
        heads = list(columns)
        facts = [consignment.facts(lead) for lead in consignment.leads]
        return heads, [[render(columns[head], known) for head in heads] for known in facts]
    names = list(dict.fromkeys(name for lead in consignment.leads for name in lead.values if name.startswith("lead.")))
    rows = [[lead.lead, *(lead.values.get(name, "") for name in names)] for lead in consignment.leads]
    return ["lead_id", *(name.removeprefix("lead.") for name in names)], rows


def csv_of(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """CSV (RFC 4180) in UTF-8. A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def file_name(consignment: Consignment, template: str) -> str:
    """The name of the file; of what fills it, only what can mean nothing else to a server remains."""
    rendered = render(template, consignment.facts(consignment.leads[0]), lambda text: _NOT_IN_NAMES.sub("_", text))
    stem, dot, ending = rendered.rpartition(".")
    return f"{stem[:NAME_MAX]}{dot}{ending[:20]}" if dot else rendered[:NAME_MAX]


def _harmless(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
