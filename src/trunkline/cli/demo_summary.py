"""The last words of the demo: what was sold, where the recordings lie, one call told, how to look further."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from trunkline.cli.demo_auctions import newest
from trunkline.cli.demo_figures import add_up, amount, percentile
from trunkline.cli.demo_leads import lead_figures
from trunkline.cli.trace import read_call
from trunkline.engine.calls.records import CallRecord
from trunkline.engine.calls.story import tell
from trunkline.events.auctions import AuctionHeld
from trunkline.testing.demo.lead_log import LeadShown

RECORDINGS_SHOWN = 3
STORY_INDENT = 12


def print_summary(
    console: Console,
    calls: Sequence[CallRecord],
    leads: Sequence[LeadShown],
    auctions: Sequence[AuctionHeld],
    data: Path,
) -> None:
    """All of it but the verdict."""
    _figures(console, calls)
    if leads:
        _title(console, f"{len(leads)} leads")
        for line in lead_figures(leads):
            console.print(f"  {line}", highlight=False, markup=False)
    if auctions:
        _title(console, f"{len(auctions)} auctions")
        for text in newest(auctions, len(auctions)):
            console.print(Text("  ") + text)
    _recordings(console, calls, data)
    told = most_told(calls)
    if told is not None:
        _title(console, f"One call in words: {told.id}")
        for line in tell(read_call(data, told.id)):
            style = "dim" if line.startswith(" ") else ""
            console.print(_folded(console, line), markup=False, highlight=False, soft_wrap=True, style=style)
    _title(console, "Look further")
    ident = told.id if told is not None else "ID"
    for command, what in (
        (f"./trunkline calls --data {data}", "all calls"),
        (f"./trunkline trace {ident} --data {data}", "any of them in words; --json for programs"),
        (f"./trunkline check {data / 'demo.yaml'}", "the configuration behind it, yours to change"),
    ):
        console.print(f"  {command}", soft_wrap=True, highlight=False, markup=False, style="bold")
        console.print(f"      {what}", highlight=False, style="dim")


def most_told(calls: Sequence[CallRecord]) -> CallRecord | None:
    """The call whose story shows most: sold, with the most offers before."""
    sold = [call for call in calls if call.outcome == "sold"]
    return max(sold, key=lambda call: (len(call.attempts), call.converted), default=None)


def _title(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _figures(console: Console, calls: Sequence[CallRecord]) -> None:
    figures = add_up(calls)
    _title(console, f"{figures.calls} calls")
    for outcome, count in figures.outcomes.items():
        console.print(f"  {outcome:<12}{count:>4}", highlight=False)
    _title(console, "Money")
    for name, value in (("revenue", figures.revenue), ("payout", figures.payout), ("margin", figures.margin)):
        share = f"  ({figures.margin_percent} %)" if name == "margin" else ""
        console.print(f"  {name:<12}{amount(value):>10} {figures.currency}{share}", highlight=False)
    _title(console, "Latency")
    half, most = (percentile(figures.decisions_us, percent) or 0 for percent in (50, 99))
    console.print(f"  decision    p50 {half:>6} µs  p99 {most:>6} µs   to find the first buyer", highlight=False)
    dial, longest = (percentile(figures.post_dial_ms, percent) or 0.0 for percent in (50, 99))
    console.print(
        f"  post-dial   p50 {dial:>6.1f} ms  p99 {longest:>6.1f} ms   until its INVITE was sent, bids waited for",
        highlight=False,
    )


def _folded(console: Console, line: str) -> str:
    """A line of the story with what does not fit set in below its words."""
    indent = " " * (len(line) - len(line.lstrip()) + 2 if line.startswith(" ") else STORY_INDENT)
    return textwrap.fill(line, console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _recordings(console: Console, calls: Sequence[CallRecord], data: Path) -> None:
    paths = [call.recording for call in calls if call.recording] + [call.voicemail for call in calls if call.voicemail]
    if not paths:
        return
    _title(console, f"{len(paths)} recordings (left the caller, right the buyer)")
    for path in paths[:RECORDINGS_SHOWN]:
        console.print(f"  {data / path}", soft_wrap=True, highlight=False, markup=False)
    if len(paths) > RECORDINGS_SHOWN:
        console.print(f"  and {len(paths) - RECORDINGS_SHOWN} more beside them", style="dim")
