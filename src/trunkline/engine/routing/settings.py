"""Settings: the value that counts is the most specific one, route before target, buyer, plan, campaign and account."""

from __future__ import annotations

from trunkline.config.flows import Prompt
from trunkline.config.schema import Account, Buyer, Campaign, Kind, Plan, Recording, Route, Target
from trunkline.engine.routing.offer import Ring

Level = Route | Target | Buyer | Plan | Campaign | Account

RING_SECONDS = 25
FIRST_RESPONSE_SECONDS = 4
MAX_DURATION_SECONDS = 4 * 3600
PRESS_SECONDS = 10
CALL_PATIENCE_SECONDS = 60
LEAD_PATIENCE_SECONDS = 20
"""A lead's sender waits for the answer to its request."""
CALLER_ID = "caller"
"""The caller's own number is shown to the buyer."""


def ring_settings(
    route: Route, target: Target, buyer: Buyer, plan: Plan, campaign: Campaign, account: Account
) -> Ring | None:
    """How the target is rung, None when it takes leads."""
    if target.dial is None:
        return None
    levels = (route, target, buyer, plan, campaign, account)
    return Ring(
        dial=target.dial,
        trunks=target.trunk,
        ring_seconds=_first(RING_SECONDS, *(level.ring_seconds for level in levels)),
        first_response_seconds=_first(FIRST_RESPONSE_SECONDS, target.first_response_seconds),
        caller_id=next((level.caller_id for level in levels if level.caller_id is not None), CALLER_ID),
        max_duration_seconds=_first(MAX_DURATION_SECONDS, *(level.max_duration_seconds for level in levels)),
        headers=tuple(target.headers.items()),
        whisper=_whisper(*levels),
        press_to_accept=target.press_to_accept,
        press_seconds=_first(PRESS_SECONDS, target.press_seconds),
        recording=recording(*levels),
        post_answer_digits=target.post_answer_digits,
        also_dial=target.also_dial,
    )


def patience_seconds(plan: Plan, kind: Kind) -> int:
    """How long offers are made."""
    return _first(LEAD_PATIENCE_SECONDS if kind is Kind.LEAD else CALL_PATIENCE_SECONDS, plan.patience_seconds)


def recording(*levels: Level) -> Recording | None:
    """The recording rule of the first of `levels` (most specific first) that has one."""
    return next((level.recording for level in levels if level.recording is not None), None)


def _first(default: int, *values: int | None) -> int:
    return next((value for value in values if value is not None), default)


def _whisper(*levels: Level) -> Prompt | None:
    for level in levels:
        if isinstance(level, Target) and level.whisper_file is not None:
            return Prompt(file=level.whisper_file)
        if level.whisper is not None:
            return Prompt(say=level.whisper)
    return None
