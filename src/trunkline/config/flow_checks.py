"""Flows: every way leads to a node that exists, every caller comes to an end, nobody is kept going round in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from trunkline.config.attributes import settable
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
    RouteNode,
    SetNode,
    Splitter,
    Voicemail,
    YesNo,
)
from trunkline.config.hours_checks import check_zone
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

Way = tuple[Path, str]
"""A way out of a node: where it is written, below the node, and the node it leads to."""

_KEY = re.compile(r"[0-9*#]")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_LANGUAGE_HINT = "write a code such as en, es or es-MX"
_SHOWN_MAX = 8


def is_language(code: str) -> bool:
    """Whether `code` is written as a language (BCP 47, language and region)."""
    return _LANGUAGE.fullmatch(code) is not None


def silent_ways(node: FlowNode) -> list[Way]:
    """The ways out of a node that are taken without a key from the caller."""
    match node:
        case Play() | SetNode():
            return [(("next",), node.next)]
        case Branch():
            return [(("then",), node.then), (("otherwise",), node.otherwise)]
        case HoursNode():
            return [(("open",), node.open), (("closed",), node.closed)]
        case Splitter():
            return [(("split", place, "next"), share.next) for place, share in enumerate(node.split)]
        case Menu() | Collect() | YesNo() | Language():
            return [(("otherwise",), node.otherwise)]
        case RouteNode():
            return [(("otherwise",), node.otherwise)] if node.otherwise else []
        case Voicemail() | HoldQueue():
            return [(("next",), node.next)] if node.next else []
        case HangUp():
            return []


def pressed_ways(node: FlowNode) -> list[Way]:
    """The ways out of a node that the caller takes by pressing keys."""
    match node:
        case Menu():
            return [(("choices", key), name) for key, name in node.choices.items()]
        case Collect() | Language():
            return [(("next",), node.next)]
        case YesNo():
            return [(("yes",), node.yes), (("no",), node.no)]
        case _:
            return []


def ways(node: FlowNode) -> list[Way]:
    """All ways out of a node."""
    return silent_ways(node) + pressed_ways(node)


def check_flow(subject: Subject, path: Path, flow: Flow) -> None:
    """One flow: its graph, then its nodes."""
    if not flow.nodes:
        subject.findings.error((*path, "nodes"), "empty", "the flow has no nodes", "add at least {bye: {hang_up: {}}}")
        return
    lost = subject.findings.lost_keys((*path, "nodes"))
    known = flow.nodes.keys() | lost
    subject.refers((*path, "start"), flow.start, known, "node")
    for name, node in flow.nodes.items():
        here: Path = (*path, "nodes", name)
        for way, to in ways(node):
            subject.refers((*here, *way), to, known, "node")
        _check_node(subject, here, node)
    _check_loops(subject, path, flow)
    _check_ends(subject, path, flow)
    _check_reached(subject, path, flow)


def warn_answered_by_flow(subject: Subject, path: Path, flow: Flow) -> None:
    """Say where a flow has to answer callers who were to be answered by a buyer: nothing is heard before an answer."""
    spoken = (Play, Menu, Collect, YesNo, Language, HoldQueue, Voicemail)
    name = next((name for name, node in flow.nodes.items() if isinstance(node, spoken)), None)
    if name is not None:
        message = f"the flow {flow.key!r} answers the caller before a buyer does: {name!r} has to be heard"
        hint = "use a flow that says and asks nothing, or leave `answer` out"
        subject.findings.warning(path, "answered_by_flow", message, hint)


def _check_node(subject: Subject, path: Path, node: FlowNode) -> None:
    findings = subject.findings
    match node:
        case Menu() | Language() if not node.choices:
            findings.error((*path, "choices"), "empty", "there is nothing to choose", 'write choices: {"1": …}')
        case Splitter() if not any(share.weight for share in node.split):
            findings.error((*path, "split"), "empty", "the splitter leads nowhere", "give one way a weight above zero")
        case HoursNode():
            check_zone(subject, (*path, "zone"), node.zone)
        case Collect():
            _check_collect(subject, path, node)
        case RouteNode() | HoldQueue():
            subject.refers((*path, "plan"), node.plan, subject.index.plans, "plan")
        case SetNode():
            for name, value in node.values.items():
                _check_settable(subject, (*path, "set", name), name)
                if name == "caller.language":
                    _check_language(subject, (*path, "set", name), value)
        case _:
            pass
    if isinstance(node, Menu | Language):
        for key in node.choices:
            if _KEY.fullmatch(key) is None:
                hint = 'write one of 0-9, * and #, in quotes: "1"'
                findings.error((*path, "choices", key), "bad_digits", f"{key!r} is no single key", hint)
    if isinstance(node, Language):
        for key, code in node.choices.items():
            _check_language(subject, (*path, "choices", key), code)
    if isinstance(node, Menu | Collect | YesNo) and node.into is not None:
        _check_settable(subject, (*path, "into"), node.into)


def _check_collect(subject: Subject, path: Path, node: Collect) -> None:
    findings = subject.findings
    if node.finish != "none" and _KEY.fullmatch(node.finish) is None:
        findings.error((*path, "finish"), "bad_digits", f"{node.finish!r} is no single key", 'write "#" or "*"')
    if node.min_digits is not None and node.min_digits > node.digits:
        message = f"at least {node.min_digits} keys of at most {node.digits} can never be collected"
        findings.error((*path, "min_digits"), "out_of_range", message, "min_digits is at most digits")


def _check_settable(subject: Subject, path: Path, name: str) -> None:
    if name and not settable(name):
        hint = "a flow sets tag.*, ivr.*, caller.language, geo.zip and geo.state"
        subject.findings.error(path, "unknown_attribute", f"a flow cannot set {name!r}", hint)


def _check_language(subject: Subject, path: Path, code: str) -> None:
    if code and not is_language(code):
        subject.findings.error(path, "bad_language", f"{code!r} is no language", _LANGUAGE_HINT)


def _check_loops(subject: Subject, path: Path, flow: Flow) -> None:
    """A loop that waits for nothing spins; one that is left only by a key keeps a silent caller for ever."""
    waits = (Menu, Collect, YesNo, Language)
    spinning = cycles(flow, lambda node: [] if isinstance(node, waits) else silent_ways(node))
    for loop in spinning:
        hint = "put a menu, collect, yes_no or language into the loop, or lead one way out of it"
        message = f"a loop in which nothing waits for the caller: {_shown(loop)}"
        subject.findings.error((*path, "nodes", loop[0]), "flow_loop", message, hint)
    if spinning:
        return
    for loop in cycles(flow, silent_ways):
        hint = "lead `otherwise` of one of them to a node outside the loop"
        message = f"a caller who presses nothing stays in this loop: {_shown(loop)}"
        subject.findings.warning((*path, "nodes", loop[0]), "silent_loop", message, hint)


def _shown(loop: Sequence[str]) -> str:
    names = [*loop, loop[0]]
    if len(names) > _SHOWN_MAX:
        names = [*names[: _SHOWN_MAX - 2], "…", names[-1]]
    return " → ".join(names)


def cycles(flow: Flow, ways_of: Callable[[FlowNode], Iterable[Way]]) -> list[list[str]]:
    """Loops in the graph of `ways_of`, each as its nodes in order: at least one of every knot, none twice."""
    done: set[str] = set()
    found: list[list[str]] = []
    for start in flow.nodes:
        if start in done:
            continue
        trail: list[str] = [start]
        place = {start: 0}
        open_ways: list[Any] = [iter(ways_of(flow.nodes[start]))]
        while trail:
            step = next(open_ways[-1], None)
            if step is None:
                open_ways.pop()
                left = trail.pop()
                del place[left]
                done.add(left)
                continue
            name = step[1]
            if name in place:
                found.append(trail[place[name] :])
            elif name in flow.nodes and name not in done:
                place[name] = len(trail)
                trail.append(name)
                open_ways.append(iter(ways_of(flow.nodes[name])))
    return found


def _check_ends(subject: Subject, path: Path, flow: Flow) -> None:
    """From every node there must be a way to the end of the flow."""
    before: dict[str, list[str]] = {}
    ending = []
    for name, node in flow.nodes.items():
        out = ways(node)
        # A way to a node that is missing has been reported; it is taken for an end, so that one mistake is told once.
        if isinstance(node, RouteNode | HoldQueue | HangUp) or not out or any(to not in flow.nodes for _, to in out):
            ending.append(name)
        for _, to in out:
            before.setdefault(to, []).append(name)
    ends = _spread(ending, before)
    stuck = [name for name in flow.nodes if name not in ends]
    if stuck:
        hint = "lead one way to a route, voicemail or hang_up"
        message = f"no way from here ends the call: {', '.join(stuck[:_SHOWN_MAX])}"
        subject.findings.error((*path, "nodes", stuck[0]), "never_ends", message, hint)


def _check_reached(subject: Subject, path: Path, flow: Flow) -> None:
    after = {name: [to for _, to in ways(node)] for name, node in flow.nodes.items()}
    if not {flow.start, *chain.from_iterable(after.values())} <= flow.nodes.keys():
        return  # a way that leads nowhere has been reported, and may be the one that is missing
    reached = _spread([flow.start], after)
    for name in flow.nodes:
        if name not in reached:
            hint = "lead a way to it, or leave it out"
            subject.findings.warning((*path, "nodes", name), "unreachable", "no way leads to this node", hint)


def _spread(start: Iterable[str], along: dict[str, list[str]]) -> set[str]:
    reached = set(start)
    fresh = list(reached)
    while fresh:
        for name in along.get(fresh.pop(), ()):
            if name not in reached:
                reached.add(name)
                fresh.append(name)
    return reached
