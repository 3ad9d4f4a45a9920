"""Flows written as YAML and a caller who walks them, for tests of one node at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tests.unit.routing import accounts
from tests.unit.routing.accounts import MONDAY_NOON_MS

from trunkline.config.flows import Flow, FlowNode, Prompt
from trunkline.engine.flow.effects import Effect, Finish, Heard, Key, MessageTaken, Say, Tick, Unsold
from trunkline.engine.flow.machine import FlowMachine, State
from trunkline.engine.routing.attributes import Origin
from trunkline.engine.routing.profile import CallerProfile
from trunkline.kernel.clock import SECOND, Instant

NOON = Instant(50 * SECOND, MONDAY_NOON_MS)
"""A Monday noon in New York, where the account is."""


account = lru_cache(accounts.account)


def flow(nodes: str, start: str = "start") -> Flow:
    """The flow of an account with these nodes; the configuration is validated as everywhere."""
    return account(f"flows: [{{key: intake, start: {start}, nodes: {{{nodes}}}}}]").flows[0]


def raw(start: str, **nodes: FlowNode) -> Flow:
    """A flow that was not validated: for what a configuration would not let through."""
    return Flow(key="raw", start=start, nodes=nodes)


class Caller:
    """One caller in one flow. Every method returns what the flow then wants done."""

    def __init__(
        self,
        nodes: str | Flow,
        *,
        number: str | None = "+15125550100",
        now: Instant = NOON,
        split: Callable[[str, int], int] = lambda _node, _total: 0,
    ) -> None:
        """`number` is the caller's (Austin, Texas, unless said otherwise); `split` draws for splitter nodes."""
        config = account("{}")
        origin = Origin(zone=config.account.timezone, caller=number, publisher="pub")
        self.profile = CallerProfile(config, origin, config.account.timezone)
        self.now = now
        self.machine = FlowMachine(flow(nodes) if isinstance(nodes, str) else nodes, self.profile, split)
        self.first = self.machine.start(now)

    @property
    def state(self) -> State:
        """Where the flow stands."""
        return self.machine.state

    def hears(self) -> list[Effect]:
        """The prompts are over."""
        return self.machine.handle(Heard(), self.now)

    def presses(self, keys: str) -> list[Effect]:
        """Press keys one after the other; what the last one led to."""
        effects: list[Effect] = []
        for key in keys:
            effects = self.machine.handle(Key(key), self.now)
        return effects

    def waits(self) -> list[Effect]:
        """Say nothing until the flow's timer runs out."""
        due = self.machine.next_timer()
        assert due is not None, "the flow does not wait for anything"
        self.now = self.now.later(due - self.now.mono_ns)
        return self.machine.handle(Tick(), self.now)

    def passes(self, seconds: float) -> None:
        """Let time pass without the flow's being told."""
        self.now = self.now.later(int(seconds * SECOND))

    def is_not_sold(self) -> list[Effect]:
        """Nobody bought the call."""
        return self.machine.handle(Unsold(), self.now)

    def has_spoken(self) -> list[Effect]:
        """The message is over."""
        return self.machine.handle(MessageTaken(), self.now)

    def seconds_left(self) -> float | None:
        """How long until the flow's timer runs out."""
        due = self.machine.next_timer()
        return None if due is None else (due - self.now.mono_ns) / SECOND

    def known(self, attribute: str) -> str | None:
        """The value of an attribute, None when it is unknown."""
        found = self.profile.attributes(self.now).get(attribute)
        return None if found is None else found.value


def says(*texts: str, sensitive: bool = False) -> Say:
    """The effect of prompts being played."""
    return Say(tuple(Prompt(say=text) for text in texts), sensitive)


BYE = [Finish(None)]
"""The flow has come to a hang_up node."""
