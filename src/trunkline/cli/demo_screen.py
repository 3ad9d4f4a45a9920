"""The demo on a terminal: a live table of calls, or plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from trunkline.cli.demo_auctions import newest
from trunkline.cli.demo_figures import Figures, add_up, amount, percentile
from trunkline.cli.demo_leads import ROWS_MAX, leads_table
from trunkline.engine.calls.records import AttemptRecord, CallRecord
from trunkline.events.auctions import AuctionHeld
from trunkline.kernel.phone import mask
from trunkline.testing.demo.lead_log import LeadShown

WIDE: Final = 110
"""Columns from which the table has room for latencies and campaigns."""
FRAME_LINES: Final = 6
"""Lines of the live picture that are not calls: head, column titles, totals, and one to spare."""
ROWS_MIN: Final = 4

_ATTEMPTS: Final = {
    "busy": "busy",
    "no_answer": "no answer",
    "timeout": "silent",
    "declined": "declined",
    "not_accepted": "no key",
    "failed": "failed",
    "caller_gone": "caller left",
    "capacity_lost": "seat lost",
    "interrupted": "cut off",
}
_OUTCOMES: Final = {
    "abandoned": ("caller hung up", "yellow"),
    "ivr_ended": ("not qualified", "yellow"),
    "voicemail": ("left a message", "magenta"),
    "blocked": ("blocked", "yellow"),
    "failed": ("failed", "bold red"),
    "interrupted": ("interrupted", "bold red"),
}
_SHORT: Final = {"sold": "✓", "with": "↔", "rings": "?"}
"""How the first word of a state is written where there is little room."""
_UNSOLD: Final = {"no_route": "no buyer there", "not_taken": "nobody took it", "paused": "paused", "limit": "all full"}


class Board:
    """Draws calls, numbered by arrival."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._numbers: dict[str, int] = {}
        self._told: set[str] = set()

    @property
    def _wide(self) -> bool:
        return self._console.width >= WIDE

    def live(
        self,
        calls: Sequence[CallRecord],
        head: str,
        leads: Sequence[LeadShown] = (),
        auctions: Sequence[AuctionHeld] = (),
    ) -> RenderableType:
        """The picture of this moment, no taller than the terminal: calls going on, the latest of all others."""
        below = (min(len(leads), ROWS_MAX) + 1 if leads else 0) + len(newest(auctions))
        room = max(ROWS_MIN, self._console.size.height - FRAME_LINES - below)
        parts: list[RenderableType] = [Text(head, style="dim", no_wrap=True), self.table(_shown(calls, room))]
        if leads:
            parts.append(leads_table(leads, wide=self._wide))
        return Group(*parts, *newest(auctions), totals(calls, self._wide))

    def table(self, calls: Sequence[CallRecord]) -> Table:
        """A line for each call."""
        wide = self._wide
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold dim", expand=True, pad_edge=False)
        table.add_column("#", justify="right", min_width=2)
        table.add_column("caller", no_wrap=True, min_width=6)
        table.add_column("answers", no_wrap=True, min_width=11 if wide else 8)
        table.add_column("not taken by", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("now", no_wrap=True, min_width=17 if wide else 14)
        table.add_column("talk", justify="right", no_wrap=True, min_width=4)
        table.add_column("revenue", justify="right", no_wrap=True)
        table.add_column("payout", justify="right", no_wrap=True)
        if wide:
            table.add_column("dec µs", justify="right", no_wrap=True)
            table.add_column("dial ms", justify="right", no_wrap=True)
        for call in calls:
            table.add_row(*self._cells(call, wide))
        return table

    def ended_lines(self, calls: Sequence[CallRecord]) -> list[str]:
        """A line for each call that has ended since this was asked last."""
        ended = [call for call in calls if call.outcome is not None and call.id not in self._told]
        self._told.update(call.id for call in ended)
        return [self.line(call) for call in ended]

    def line(self, call: CallRecord) -> str:
        """A finished call in one plain line."""
        said = answers(call)
        tried = ", ".join(_tried(call))
        parts = [
            f"call {self._number(call):>2}",
            masked(call),
            call.campaign,
            f"[{said}]" if said else "",
            f"{tried}:" if tried else "",
            _state(call)[0],
        ]
        if call.duration_ms is not None:
            parts.append(f"{call.duration_ms / 1000:.1f} s")
        if call.decision_us is not None:
            parts.append(f"decided in {call.decision_us} µs")
        if call.post_dial_ms is not None:
            parts.append(f"dialled in {call.post_dial_ms:.1f} ms")
        if call.revenue:
            parts.append(f"revenue {call.revenue} {call.currency}, payout {call.payout or '0.00'}")
        return "  ".join(part for part in parts if part)

    def _number(self, call: CallRecord) -> int:
        return self._numbers.setdefault(call.id, len(self._numbers) + 1)

    def _cells(self, call: CallRecord, wide: bool) -> list[Text | str]:
        words, style = _state(call)
        caller = masked(call)
        known = answers(call)
        cells: list[Text | str] = [
            str(self._number(call)),
            caller[:2] + ".." + caller[-2:] if call.caller else "hidden",
            known if wide else known[-8:].strip(),
            Text(", ".join(_tried(call, names=wide)), style="dim"),
            Text(words if wide else _shortened(words), style=style),
            _talk(call),
            Text(call.revenue or "", style="green"),
            call.payout or "",
        ]
        if wide:
            cells.append("" if call.decision_us is None else str(call.decision_us))
            cells.append("" if call.post_dial_ms is None else f"{call.post_dial_ms:.1f}")
        return cells


def masked(call: CallRecord) -> str:
    """The caller as the table may show it."""
    return mask(call.caller) if call.caller else "withheld"


def answers(call: CallRecord) -> str:
    """What is known of the caller once the flow is through: language, ZIP or area, state."""
    known = {name: found["value"] for name, found in call.attributes.items()}
    place = known.get("geo.zip") or (f"({known['geo.area_code']})" if "geo.area_code" in known else "")
    return " ".join(part for part in (known.get("caller.language", ""), place, known.get("geo.state", "")) if part)


def totals(calls: Sequence[CallRecord], wide: bool) -> Text:
    """Two lines: how many and how they ended; profit and loss, and latencies as far as there is room."""
    figures = add_up(calls)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{figures.calls} calls, {figures.live} going on", style="bold")
    for outcome, count in figures.outcomes.items():
        text.append(f"  {outcome} {count}")
    text.append("\n")
    text.append_text(_profit(figures))
    decided, dialled = percentile(figures.decisions_us, 50), percentile(figures.post_dial_ms, 50)
    if decided is not None:
        text.append(f"   decision p50 {decided} µs", style="dim")
    if dialled is not None and wide:
        text.append(f", post-dial p50 {dialled:.1f} ms", style="dim")
    return text


def _profit(figures: Figures) -> Text:
    text = Text("revenue ")
    text.append(amount(figures.revenue), style="green")
    text.append(f" - payout {amount(figures.payout)} = margin ")
    text.append(amount(figures.margin), style="bold green" if figures.margin >= Decimal(0) else "bold red")
    text.append(f" {figures.currency}")
    return text


def _shown(calls: Sequence[CallRecord], room: int) -> list[CallRecord]:
    live = [call for call in calls if call.outcome is None][-room:]
    ended = [call for call in calls if call.outcome is not None]
    kept = {call.id for call in (*live, *ended[max(0, len(ended) + len(live) - room) :])}
    return [call for call in calls if call.id in kept]


def _tried(call: CallRecord, *, names: bool = True) -> list[str]:
    """Who was full, and what came of the offers before the one that has it now."""
    found = [(each.target, "full") for each in call.rejected if each.reason == "limit" and each.measure == "live"]
    found += [
        (attempt.target, _ATTEMPTS.get(attempt.outcome, attempt.outcome))
        for attempt in call.attempts
        if attempt.outcome is not None and not attempt.connected
    ]
    return [f"{target} {what}" if names else what for target, what in found]


def _shortened(words: str) -> str:
    first, space, rest = words.partition(" ")
    return _SHORT.get(first, first) + space + rest


def _talk(call: CallRecord) -> Text:
    """Seconds on the buyer's line: final, or so far."""
    if call.duration_ms is not None:
        return Text(f"{call.duration_ms / 1000:.1f}")
    current = call.attempts[-1] if call.attempts else None
    if call.outcome is not None or current is None or not current.connected:
        return Text("")
    passed_s = (datetime.now(UTC) - datetime.fromisoformat(current.at)).total_seconds() - (current.ring_ms or 0) / 1000
    return Text(f"{max(0.0, passed_s):.0f}", style="cyan")


def _state(call: CallRecord) -> tuple[str, str]:
    """Where a call is, or how it ended, with the style to show it in."""
    if call.outcome == "sold":
        return f"sold {call.target}", "bold green" if call.converted else "green"
    if call.outcome == "unsold":
        return _UNSOLD.get(call.unsold_reason or "", call.unsold_reason or "unsold"), "yellow"
    if call.outcome is not None:
        return _OUTCOMES.get(call.outcome, (call.outcome, "yellow"))
    current: AttemptRecord | None = call.attempts[-1] if call.attempts else None
    if current is not None and current.connected:
        return f"with {current.target}", "bold cyan"
    if current is not None and current.outcome is None:
        return f"rings {current.target}", "cyan"
    return ("next buyer", "cyan") if call.attempts else ("in the flow" if call.answered else "arriving", "blue")
