"""When the laws of the United States let people be called to sell them something: one row a law, with its date.

A row says what a state allows more narrowly than the federal rule, in local wall-clock hours [from, until). What is not
named is as federal. `holidays` says that nobody may be called on legal holidays, of which the federal ones are known
here. This is a table of data, put together from public summaries and statutes as they stood on `AS_OF`. It is no legal
advice, it knows no exceptions (consent, existing customers, emergencies), and states change their laws.
"""

from __future__ import annotations

from typing import Final, NamedTuple

AS_OF: Final = "2025-11-01"

Span = tuple[int, int] | None
"""Hours [from, until) of the local day, None for no hour at all."""


class CallingRule(NamedTuple):
    """One law. `since` is when it took effect, where that is recent."""

    place: str
    law: str
    weekdays: Span = (8, 21)
    saturday: Span = (8, 21)
    sunday: Span = (8, 21)
    holidays: bool = False
    since: str | None = None

    def on(self, weekday: int, holiday: bool) -> Span:
        """The hours of a day; Monday is 0."""
        if holiday and self.holidays:
            return None
        return self.sunday if weekday == 6 else self.saturday if weekday == 5 else self.weekdays


FEDERAL: Final = CallingRule("US", "47 CFR 64.1200(c)(1)")


def _daily(place: str, law: str, start: int, until: int, since: str | None = None) -> CallingRule:
    span = (start, until)
    return CallingRule(place, law, span, span, span, since=since)


STATES: Final[dict[str, CallingRule]] = {
    rule.place: rule
    for rule in (
        CallingRule("AL", "Alabama PSC telephone rules", (8, 20), (8, 20), None, True),
        _daily("CT", "Conn. Gen. Stat. 42-288a", 9, 20, "2023-10-01"),
        _daily("FL", "Fla. Stat. 501.616(6)", 8, 20, "2021-07-01"),
        _daily("KY", "KRS 367.46955", 10, 21),
        CallingRule("LA", "La. R.S. 45:844.11 ff. and LPSC general order", (8, 20), (8, 20), None, True),
        _daily("MA", "M.G.L. c. 159C s. 3", 8, 20),
        _daily("MD", "Md. Code, Com. Law, title 14, subtitle 45", 8, 20, "2024-01-01"),
        _daily("MI", "MCL 484.125", 9, 21),
        _daily("MN", "Minn. Stat. 325E.30", 9, 21),
        CallingRule("MS", "Miss. Code 77-3-701 ff.", (8, 20), (8, 20), None, True),
        _daily("NM", "N.M. Stat. 57-12-22", 9, 21),
        _daily("NV", "NRS 598.0918", 9, 20),
        _daily("OK", "15 O.S. 775C.4", 8, 20, "2022-11-01"),
        CallingRule("PA", "73 P.S. 2241 ff.", holidays=True, since="2019-12-01"),
        CallingRule("RI", "R.I. Gen. Laws 5-61-3.6", (9, 18), (10, 17), None, True),
        CallingRule("SD", "SDCL 37-30A-3", (9, 21), (9, 21), None),
        CallingRule("TX", "Tex. Bus. & Com. Code 301.051", (9, 21), (9, 21), (12, 21)),
        CallingRule("UT", "Utah Code 13-25a-103", (8, 21), (8, 21), None, True),
        _daily("WA", "RCW 80.36.390", 8, 20),
        _daily("WY", "Wyo. Stat. 40-12-302", 8, 20),
    )
}

ZONES: Final = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
)
"""Where somebody of the fifty states may be of whom nothing is known."""
