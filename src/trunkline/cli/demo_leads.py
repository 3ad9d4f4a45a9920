"""The leads of the demo on a terminal: a line each, in a table or plain, and what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from trunkline.cli.demo_figures import amount
from trunkline.kernel.phone import mask, parse_number
from trunkline.testing.demo.lead_log import LeadShown

ROWS_MAX = 4
"""Leads in the live picture: the newest."""
_TRIED = {"rejected": "refused", "timeout": "silent", "http_error": "broken", "duplicate": "had it"}
_STATES = {
    "duplicate": ("came before", "yellow"),
    "unmatched": ("no buyer there", "yellow"),
    "invalid": ("form is wrong", "yellow"),
    "held": ("held for review", "magenta"),
}


def leads_table(leads: Sequence[LeadShown], *, wide: bool, rows: int = ROWS_MAX) -> Table:
    """The newest leads, a line each."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold dim", expand=True, pad_edge=False)
    table.add_column("lead", no_wrap=True, min_width=7)
    table.add_column("form", no_wrap=True, min_width=8)
    table.add_column("not taken by", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("answer", no_wrap=True, min_width=14)
    table.add_column("ms", justify="right", no_wrap=True, min_width=4)
    table.add_column("revenue", justify="right", no_wrap=True)
    table.add_column("payout", justify="right", no_wrap=True)
    numbered = list(enumerate(leads, start=1))
    for number, lead in numbered[-rows:]:
        words, style = _state(lead)
        table.add_row(
            str(number) if wide else f"{number:>2}",
            _form(lead),
            Text(_tried(lead), style="dim"),
            Text(words, style=style),
            "" if lead.took_ms is None else str(lead.took_ms),
            Text(lead.revenue or "", style="green"),
            lead.payout or "",
        )
    return table


def lead_line(number: int, lead: LeadShown) -> str:
    """An answered lead in one plain line."""
    tried = _tried(lead)
    parts = [
        f"lead {number:>2}",
        _phone(lead),
        f"[{_form(lead)}]",
        f"{tried}:" if tried else "",
        _state(lead)[0] + (f" ({lead.detail})" if lead.detail else ""),
        f"answered in {lead.took_ms} ms",
        f"revenue {lead.revenue} USD, payout {lead.payout or '0.00'}" if lead.revenue else "",
    ]
    return "  ".join(part for part in parts if part)


def lead_figures(leads: Sequence[LeadShown]) -> list[str]:
    """How they were answered, and their money."""
    lines = [
        f"{status or 'no answer':<12}{count:>4}" for status, count in Counter(each.status for each in leads).items()
    ]
    revenue, payout = (
        sum((Decimal(text) for each in leads if (text := getattr(each, name))), Decimal(0))
        for name in ("revenue", "payout")
    )
    return [*lines, f"revenue {amount(revenue)} USD, payout {amount(payout)}, margin {amount(revenue - payout)}"]


def _form(lead: LeadShown) -> str:
    """Where the lead says it is."""
    return " ".join(part for part in (lead.part.fields["zip"], lead.state) if part)


def _phone(lead: LeadShown) -> str:
    phone = lead.part.fields["phone"]
    return mask(parse_number(phone, "US") or phone)


def _tried(lead: LeadShown) -> str:
    return ", ".join(f"{target} {_TRIED.get(outcome, outcome)}" for target, outcome in lead.tried)


def _state(lead: LeadShown) -> tuple[str, str]:
    if lead.status is None:
        return "posted", "cyan"
    if lead.status == "accepted":
        return f"sold {lead.target or ''}".strip(), "bold green"
    return _STATES.get(lead.status, (lead.status, "bold red"))
