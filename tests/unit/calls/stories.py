"""Calls told step by step in virtual time: the real machine, flow, router and seats; only peers are played."""

from __future__ import annotations

from typing import Any

import yaml

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.legs import leg_name
from trunkline.engine.calls.records import CallRecord, fold
from trunkline.engine.calls.table import State
from trunkline.events.calls import CallEnded
from trunkline.kernel.clock import SECOND
from trunkline.testing.callworld import CallWorld

BASE = """
version: 1
account: {key: acme, currency: USD, timezone: America/New_York}
publishers: [{key: pub}]
campaigns: [{key: camp, flow: intake, plan: main}]
numbers: [{number: "+18335550100", campaign: camp, publisher: pub}]
plans: [{key: main, tiers: [{key: t, method: priority, routes: []}]}]
flows: [{key: intake, start: start, nodes: {start: {route: {}}}}]
trunks: [{key: lo, allow: ["127.0.0.0/8"], default_country: US}]
"""
PRICE = "20.00"
ASKS = "{start: {menu: {say: 'Press 1.', seconds: 6, tries: 1, choices: {'1': sell}, otherwise: bye}}, "
ASKS += "sell: {route: {}}, bye: {hang_up: {}}}"
"""A flow that asks for a key before it sells, so that the caller is answered first."""


def configuration(
    *targets: str,
    flow: str = "{start: {route: {}}}",
    campaign: str = "{}",
    plan: str = "{}",
    account: str = "{}",
    target: str = "{}",
    route: str = "{}",
    sections: str = "{}",
    **each: str,
) -> str:
    """One account that offers its calls to `targets` in their order (default: one, `a`), each of its own buyer.

    `flow` are the nodes, from `start`; `campaign`, `plan`, `account`, `target` and `route` (all of them) and `each`
    target by its key are added to what stands there; `sections` replace whole ones.
    """
    keys = targets or ("a",)
    whole: dict[str, Any] = yaml.load(BASE, yaml.BaseLoader)
    whole["account"].update(yaml.load(account, yaml.BaseLoader))
    whole["campaigns"][0].update(yaml.load(campaign, yaml.BaseLoader))
    whole["plans"][0].update(yaml.load(plan, yaml.BaseLoader))
    whole["flows"][0]["nodes"] = yaml.load(flow, yaml.BaseLoader)
    whole["buyers"] = [{"key": f"{key}-buyer"} for key in keys]
    routes = whole["plans"][0]["tiers"][0]["routes"]
    more = yaml.load(route, yaml.BaseLoader)
    routes += [{"target": key, "priority": str(place + 1), "price": PRICE, **more} for place, key in enumerate(keys)]
    whole["targets"] = [
        {
            "key": key,
            "buyer": f"{key}-buyer",
            "dial": f"sip:{key}@127.0.0.1:5081",
            **yaml.load(target, yaml.BaseLoader),
            **yaml.load(each.get(key, "{}"), yaml.BaseLoader),
        }
        for key in keys
    ]
    whole.update(yaml.load(sections, yaml.BaseLoader))
    return yaml.safe_dump(whole)


class Story(CallWorld):
    """One call. Time passes as for a punctual loop, unless the loop is said to be `late`."""

    def __init__(self, *targets: str, caller: str = "+15125550100", **fields: str) -> None:
        """The configuration of `configuration(*targets, **fields)`."""
        super().__init__(configuration(*targets, **fields), caller)

    # -- what happens ----------------------------------------------------------------------------------------------

    def arrives(self) -> Story:
        """The INVITE is there, and what has to be on disk before an answer is."""
        self.tell(i.Arrived())
        self.durable()
        return self

    def passes(self, seconds: float) -> None:
        """Time passes; timers fire when they are due."""
        end = self.now.later(round(seconds * SECOND))
        while (due := self.machine.next_timer()) is not None and due <= end.mono_ns:
            self.next_tick()
            self.durable()
        self.now = end

    def late(self, seconds: float) -> None:
        """Time passes, and the loop sleeps through it."""
        self.now = self.now.later(round(seconds * SECOND))

    def heard(self, side: str = "caller", *, whole: bool = True) -> None:
        """What one side hears is over; `buyer.2` is the second phone of a group."""
        self.finish_playing(side, whole)
        self.durable()

    def presses(self, key: str, side: i.Side = "caller", leg: int = 0) -> None:
        """Somebody presses a key."""
        self.tell(i.KeyPressed(side, key, leg))
        self.durable()

    def answers(self, leg: int = 0) -> None:
        """The buyer that rings answers, on that phone of its group."""
        self.tell(i.BuyerAnswered(self.attempt, leg))

    def refuses(self, status: int, leg: int = 0) -> None:
        """The buyer that rings refuses."""
        attempt = self.attempt
        self.ringing.discard(leg_name(attempt, leg))
        self.tell(i.BuyerRefused(attempt, status, leg))
        self.durable()

    def buyer_leaves(self, leg: int = 0) -> None:
        """The buyer hangs up."""
        attempt = self.attempt
        self.ringing.discard(leg_name(attempt, leg))
        self.tell(i.BuyerLeft(attempt, leg))
        self.durable()

    def caller_leaves(self) -> None:
        """The caller hangs up."""
        self.caller_open = False
        self.tell(i.CallerLeft())

    def disk_fails(self) -> None:
        """What is waited for cannot be written."""
        self.tell(i.NotDurable(self.tickets.pop(0)))

    # -- what came of it -------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the call stands."""
        return self.machine.state

    @property
    def target(self) -> str:
        """The target that is being offered the call."""
        assert self.machine.attempt is not None
        return self.machine.attempt.offer.candidate.target

    @property
    def record(self) -> CallRecord:
        """The call as people see it."""
        return fold(self.written)["call"]

    def over(self) -> CallEnded:
        """The call has ended and nothing is left of it: how."""
        self.close_files()
        self.check_over()
        ended: CallEnded = self.events(CallEnded)[0]
        return ended

    def outcome(self) -> tuple[str, str | None, str]:
        """Outcome, reason and who ended it, of a call of which nothing is left."""
        ended = self.over()
        return ended.outcome, ended.reason, ended.ended_by

    def attempts(self) -> list[tuple[str, str | None, str | None]]:
        """Target, outcome and reason of every attempt so far."""
        return [(each.target, each.outcome, each.reason) for each in self.record.attempts]

    def did(self, kind: type[c.Command]) -> list[Any]:
        """All commands of one kind so far."""
        return [command for command in self.said if isinstance(command, kind)]

    def played(self, side: i.Side = "caller") -> list[str]:
        """Everything one side was to hear, as words; the tone is `beep`."""
        plays = [command for command in self.did(c.Play) if command.side == side]
        return [prompt.say or "beep" for command in plays for prompt in command.prompts]


def sold(*targets: str, **fields: str) -> Story:
    """A call that is offered to its first target, is taken and joined."""
    story = Story(*targets, **fields).arrives()
    story.answers()
    return story
