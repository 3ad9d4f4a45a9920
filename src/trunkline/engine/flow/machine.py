"""The flow machine.

A flow is walked node by node. Nodes that wait for nothing (set, condition, hours, splitter) are passed in one go;
the others put the machine into one of these states until something is told to it:

    PLAYING   prompts are heard; keys mean nothing
    ASKING    a question's prompts are heard; a key stops them and counts
    WAITING   a question's prompts have ended; a key or the timer decides
    SELLING   the call is being routed; the flow goes on only if nobody buys it and the node says where
    MESSAGE   a voicemail message is being taken
    OVER      nothing more comes from this flow

`TRANSITIONS` is the whole table; the diagram in the documentation is drawn from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import assert_never

from trunkline.config.flows import (
    Branch,
    Collect,
    Flow,
    FlowNode,
    HangUp,
    HoldQueue,
    HoursNode,
    Language,
    Menu,
    Play,
    Prompt,
    RouteNode,
    SetNode,
    Share,
    Splitter,
    Voicemail,
    YesNo,
)
from trunkline.engine.flow.effects import (
    Effect,
    Finish,
    Heard,
    Hush,
    Input,
    Key,
    Listen,
    MessageTaken,
    Queue,
    Say,
    Sell,
    TakeMessage,
    Tick,
    Unsold,
)
from trunkline.engine.flow.facts import FlowFacts
from trunkline.engine.flow.question import Question, Verdict
from trunkline.kernel.clock import Instant

VISITS_MAX = 200
"""Nodes one call may pass before it is hung up on: no caller means to hear a menu that often."""


class State(Enum):
    """Where a flow stands."""

    __hash__ = object.__hash__  # there is one of each; an Enum's own would be written in Python

    PLAYING = "playing"
    ASKING = "asking"
    WAITING = "waiting"
    SELLING = "selling"
    MESSAGE = "message"
    OVER = "over"


_WALK = (State.PLAYING, State.ASKING, State.WAITING, State.SELLING, State.MESSAGE, State.OVER)
"""Where following a node's `next` can lead."""

TRANSITIONS: Mapping[tuple[State, type], tuple[str, tuple[State, ...]]] = {
    (State.PLAYING, Heard): ("_go_on", _WALK),
    (State.ASKING, Heard): ("_wait", (State.WAITING,)),
    (State.ASKING, Key): ("_barge_in", _WALK),
    (State.WAITING, Key): ("_press", _WALK),
    (State.WAITING, Tick): ("_silence", _WALK),
    (State.SELLING, Unsold): ("_unsold", _WALK),
    (State.MESSAGE, MessageTaken): ("_message_taken", _WALK),
}
"""(state, input) to the action and the states it may lead to. Any other pair changes nothing."""


class FlowMachine:
    """One caller's way through one flow. `facts` are the caller's attributes, read and written by nodes."""

    __slots__ = ("_due_ns", "_flow", "_node", "_question", "_split", "_visits", "facts", "state")

    def __init__(self, flow: Flow, facts: FlowFacts, split: Callable[[str, int], int]) -> None:
        """`split(node, total)` draws a number in [0, total) for a splitter node."""
        self._flow = flow
        self._node = flow.start
        self._split = split
        self._question: Question | None = None
        self._due_ns: int | None = None
        self._visits = 0
        self.facts = facts
        self.state = State.OVER

    def start(self, now: Instant) -> list[Effect]:
        """Enter the first node."""
        return self._enter(self._flow.start, now)

    def next_timer(self) -> int | None:
        """The monotonic nanosecond at which `Tick` is due, if any."""
        return self._due_ns

    def resume(self, now: Instant) -> None:
        """Give a caller who was kept from answering, by an announcement, the whole time from `now`."""
        if self.state is State.WAITING:
            self._listen_until(now)

    def handle(self, event: Input, now: Instant) -> list[Effect]:
        """Take one input; what is to be done now."""
        step = TRANSITIONS.get((self.state, type(event)))
        if step is None:
            return []
        action, leads_to = step
        effects: list[Effect] = getattr(self, action)(event, now)
        assert self.state in leads_to, f"{action} led to {self.state}"
        return effects

    def _enter(self, name: str, now: Instant) -> list[Effect]:
        """Walk from `name` to the first node that waits for something, or to the end."""
        self._due_ns, self._question = None, None
        while self._visits < VISITS_MAX:
            self._visits += 1
            node = self._flow.nodes[name]
            self._node = name
            passed = self._pass_through(name, node, now)
            if passed is None:
                return self._stop_at(name, node, now)
            name = passed
        return self._finish("flow_too_long")

    def _pass_through(self, name: str, node: FlowNode, now: Instant) -> str | None:
        """Where a node that waits for nothing leads; None for the others."""
        match node:
            case SetNode():
                for attribute, value in node.values.items():
                    self.facts.learn(attribute, value, "set")
                return node.next
            case Branch():
                return node.then if self.facts.holds(node.when, now) else node.otherwise
            case HoursNode():
                return node.open if self.facts.is_open(node.hours, node.zone, now) else node.closed
            case Splitter():
                return self._pick(name, node.split)
            case _:
                return None

    def _stop_at(self, name: str, node: FlowNode, now: Instant) -> list[Effect]:
        match node:
            case Play():
                self.state = State.PLAYING
                return [Say(node.prompts)]
            case Menu() | YesNo() | Language() | Collect():
                self._question = Question(node)
                return self._ask(node.prompts, now)
            case RouteNode():
                self.state = State.SELLING
                return [Sell(name, node.plan, node.otherwise is not None)]
            case HoldQueue():
                self.state = State.SELLING
                return [Queue(name, node)]
            case Voicemail():
                self.state = State.MESSAGE
                return [TakeMessage(node.prompts, node.seconds)]
            case HangUp():
                return self._finish(None)
            case SetNode() | Branch() | HoursNode() | Splitter():
                raise AssertionError(f"{name} waits for nothing")
            case _:
                assert_never(node)

    def _pick(self, name: str, shares: tuple[Share, ...]) -> str:
        draw = self._split(name, sum(share.weight for share in shares))
        for share in shares:
            draw -= share.weight
            if draw < 0:
                return share.next
        return shares[-1].next

    def _ask(self, prompts: tuple[Prompt, ...], now: Instant) -> list[Effect]:
        assert self._question is not None
        if not prompts:
            self._listen_until(now)
            return [Listen(self._question.sensitive)]
        self.state, self._due_ns = State.ASKING, None
        return [Say(prompts, self._question.sensitive)]

    def _listen_until(self, now: Instant) -> None:
        assert self._question is not None
        self.state, self._due_ns = State.WAITING, now.mono_ns + self._question.wait_ns

    def _finish(self, reason: str | None) -> list[Effect]:
        self.state, self._due_ns, self._question = State.OVER, None, None
        return [Finish(reason)]

    def _go_on(self, _event: Heard, now: Instant) -> list[Effect]:
        node = self._flow.nodes[self._node]
        assert isinstance(node, Play)
        return self._enter(node.next, now)

    def _wait(self, _event: Heard, now: Instant) -> list[Effect]:
        assert self._question is not None
        self._listen_until(now)
        return [Listen(self._question.sensitive)]

    def _barge_in(self, event: Key, now: Instant) -> list[Effect]:
        return [Hush(), *self._press(event, now)]

    def _press(self, event: Key, now: Instant) -> list[Effect]:
        assert self._question is not None
        return self._judge(self._question, self._question.press(event.digit), now)

    def _silence(self, _event: Tick, now: Instant) -> list[Effect]:
        assert self._question is not None
        return self._judge(self._question, self._question.silence(), now)

    def _judge(self, question: Question, verdict: Verdict, now: Instant) -> list[Effect]:
        if verdict is Verdict.MORE:
            self._listen_until(now)
            return []
        if verdict is Verdict.ANSWERED:
            answer = question.answer()
            self._store(question, answer.value)
            return self._enter(answer.next, now)
        prompts = question.retry()
        if prompts is None:
            return self._enter(question.node.otherwise, now)
        return self._ask(prompts, now)

    def _store(self, question: Question, value: str) -> None:
        node = question.node
        if isinstance(node, Language):
            self.facts.learn("caller.language", value, "ivr")
            return
        attribute = node.into or f"ivr.{self._node}"
        self.facts.learn(attribute, value, "ivr", sensitive=question.sensitive)

    def _unsold(self, _event: Unsold, now: Instant) -> list[Effect]:
        node = self._flow.nodes[self._node]
        assert isinstance(node, RouteNode | HoldQueue)
        after = node.next if isinstance(node, HoldQueue) else node.otherwise
        return self._finish("unsold") if after is None else self._enter(after, now)

    def _message_taken(self, _event: MessageTaken, now: Instant) -> list[Effect]:
        node = self._flow.nodes[self._node]
        assert isinstance(node, Voicemail)
        return self._finish(None) if node.next is None else self._enter(node.next, now)
