"""The state machines, drawn and listed from their transition tables. Pure: tables in, Markdown out."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from trunkline.engine.calls import inputs
from trunkline.engine.calls import table as call
from trunkline.engine.flow import effects
from trunkline.engine.flow import machine as flow
from trunkline.engine.leads import inputs as lead_inputs
from trunkline.engine.leads import returns
from trunkline.engine.leads import table as lead
from trunkline.sip import legs, register
from trunkline.sip.transactions import client, invite_client, invite_server, machine, server
from trunkline.sip.transactions.machine import Repeat, Row, Transaction
from trunkline.telephony.sip import circuits

_HEAD = """\
# State machines

<!-- Made from the transition tables by `python -m scripts.pages`; edit the tables, not this page. -->

Whatever lasts longer than one packet is a machine: `handle(event, now)` takes an input and gives commands,
`next_timer()` says when it wants to be asked again. The tables below are the code's own. A pair of state and input that
is not listed changes nothing: it is late news of something that is over, or early news of something nobody waits for.

In the diagrams a diamond stands for a choice that several steps share. Steps that lead back to their own state, and
what can happen in every state alike, are in the tables only.
"""


class Edge(NamedTuple):
    """One row of a table: from a state, by an input, with an action, to one of some states."""

    state: str
    event: str
    action: str
    leads_to: tuple[str, ...]


def page() -> str:
    """The whole page."""
    parts = [_HEAD, _call(), _lead(), _flow(), _legs(), _registration(), _circuit(), _return(), _transactions()]
    return "\n".join(parts)


def _call() -> str:
    always = set(call.ALIVE)
    rows = _rows(call.TRANSITIONS)
    kept = [
        edge
        for (state, event), edge in zip(call.TRANSITIONS, rows, strict=True)
        if event not in always and not (event is inputs.Recorded and state in call.RECORDED_STATES)
    ]
    alive = [
        Edge("any of the living", event.__name__, action, _names(states))
        for event, (action, states) in call.ALIVE.items()
        if set(states) != set(call.ALIVE_STATES) | set(call.END)
    ]
    alive += [
        Edge("any of the living", event.__name__, action, ("its own", *_names(call.END)))
        for event, (action, states) in call.ALIVE.items()
        if set(states) == set(call.ALIVE_STATES) | set(call.END)
    ]
    alive.append(Edge("any with a recording", "Recorded", "_recorded", ("its own",)))
    return "\n".join(
        [
            "## A call",
            "",
            f"`{_file(call)}`, carried out by `trunkline.switch.livecall`.",
            "",
            _prose(call.__doc__),
            _diagram(kept, first="new", last="over"),
            _table([*alive, *kept]),
            _meanings(inputs.Input.__args__, "Inputs"),
        ]
    )


def _lead() -> str:
    rows = _rows(lead.TRANSITIONS)
    return "\n".join(
        [
            "## A lead",
            "",
            f"`{_file(lead)}`, carried out by `trunkline.switch.leads.live`.",
            "",
            _prose(lead.__doc__),
            _diagram(rows, first="new", last="over"),
            _table(rows),
            _meanings(lead_inputs.Input.__args__, "Inputs"),
        ]
    )


def _flow() -> str:
    rows = _rows(flow.TRANSITIONS)
    return "\n".join(
        [
            "## A flow",
            "",
            f"`{_file(flow)}`. It runs inside a call's machine.",
            "",
            _prose(flow.__doc__),
            _diagram(rows, last="over"),
            _table(rows),
            _meanings(effects.Input.__args__, "Inputs"),
        ]
    )


def _legs() -> str:
    rows = [
        Edge(_name(state), _name(trigger), "", (_name(following),))
        for (state, trigger), following in legs.TRANSITIONS.items()
    ]
    return "\n".join(
        [
            "## A SIP leg",
            "",
            f"`{_file(legs)}`.",
            "",
            _prose(legs.__doc__),
            _diagram(rows, starts=("incoming", "calling"), last="gone"),
            _table(rows),
        ]
    )


def _registration() -> str:
    rows = [
        Edge(_name(state), _name(event), _name(act) if act != register.Act.NOTHING else "", (_name(following),))
        for (state, event), (following, act) in register.TRANSITIONS.items()
    ]
    return "\n".join(
        [
            "## A registration",
            "",
            f"`{_file(register)}`.",
            "",
            _prose(register.__doc__),
            _diagram(rows, starts=("off",), last="off"),
            _table(rows),
        ]
    )


def _return() -> str:
    rows = _rows(returns.TRANSITIONS)
    return "\n".join(
        [
            "## A return",
            "",
            f"`{_file(returns)}`, carried out by `trunkline.switch.returns`.",
            "",
            _prose(returns.__doc__),
            _diagram(rows, starts=("requested",), last=("approved", "rejected", "expired")),
            _table(rows),
            _meanings(returns.Input.__args__, "Inputs"),
        ]
    )


def _circuit() -> str:
    rows = [
        Edge(_name(state), _name(event), action, _names(states))
        for (state, event), (action, states) in circuits.TRANSITIONS.items()
    ]
    return "\n".join(
        [
            "## The circuit of a server",
            "",
            f"`{_file(circuits)}`, kept by `trunkline.switch.health`.",
            "",
            _prose(circuits.__doc__),
            _diagram(rows, starts=("closed",), last="closed"),
            _table(rows),
        ]
    )


def _transactions() -> str:
    parts = ["## SIP transactions", "", _prose(machine.__doc__)]
    for module, kind, stream in (
        (invite_client, invite_client.InviteClient, invite_client.StreamInviteClient),
        (invite_server, invite_server.InviteServer, invite_server.StreamInviteServer),
        (client, client.Client, client.StreamClient),
        (server, server.Server, server.StreamServer),
    ):
        title, _, theory = (module.__doc__ or "").partition("\n")
        rows = [_of_row(_name(state), _name(event), row) for (state, event), row in kind.TABLE.items()]
        parts += [
            f"### {title.rstrip('.')}",
            "",
            f"`{_file(module)}`. Begins as {_beginning(kind)}.",
            "",
            _prose(theory),
            _diagram(rows, first=_name(kind.START.state), last="terminated"),
            _table(rows, "commands and timers"),
            *_over_streams(kind, stream),
        ]
    return "\n".join(parts)


def _over_streams(kind: type[Transaction], stream: type[Transaction]) -> list[str]:
    rows = [
        _of_row(_name(state), _name(event), row)
        for (state, event), row in stream.TABLE.items()
        if row != kind.TABLE[state, event]
    ]
    return [
        f"{_prose(stream.__doc__)}",
        f"Begins as {_beginning(stream)}. Its rows that differ:",
        "",
        _table(rows, "commands and timers"),
    ]


def _beginning(kind: type[Transaction]) -> str:
    start = _of_row("", "", kind.START)
    return f"`{start.leads_to[0]}`" + (f": {start.action}" if start.action else "")


def _of_row(state: str, event: str, row: Row) -> Edge:
    words = [_name(command) for command in row.commands]
    if row.repeat is not Repeat.KEEP:
        words.append(f"repeat: {_name(row.repeat)}")
    if row.deadline == machine.STOP:
        words.append("deadline: stop")
    elif row.deadline != machine.KEEP:
        words.append(f"deadline: {row.deadline:g} s")
    return Edge(state, event, ", ".join(words), (_name(row.state),))


def _rows(table: object) -> list[Edge]:
    assert isinstance(table, dict)
    return [
        Edge(_name(state), event.__name__, action, _names(states)) for (state, event), (action, states) in table.items()
    ]


def _diagram(rows: Sequence[Edge], *, first: str = "", starts: Sequence[str] = (), last: str | Sequence[str]) -> str:
    """A Mermaid state diagram. Target sets that several rows share become one diamond each."""
    counted = Counter(frozenset(row.leads_to) for row in rows)
    sizes = sorted((targets for targets, times in counted.items() if times > 1 and len(targets) > 2), key=len)
    shared = {targets: f"choice{number}" for number, targets in enumerate(reversed(sizes), start=1)}
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {start}" for start in (*starts, *([first] if first else []))]
    lines += [f"    state {name} <<choice>>" for name in shared.values()]
    labels: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for target in _drawn_targets(row, shared):
            labels.setdefault((row.state, target), []).append(row.event)
    lines += [f"    {source} --> {target}: {', '.join(events)}" for (source, target), events in labels.items()]
    for targets, name in shared.items():
        lines += [f"    {name} --> {target}" for target in sorted(targets)]
    lines += [f"    {end} --> [*]" for end in ([last] if isinstance(last, str) else last)]
    lines += ["```", ""]
    return "\n".join(lines)


def _drawn_targets(row: Edge, shared: dict[frozenset[str], str]) -> list[str]:
    left = set(row.leads_to)
    found = []
    for targets, name in shared.items():
        if targets <= left:
            found.append(name)
            left -= targets
    return found + [target for target in row.leads_to if target in left and target != row.state]


def _table(rows: Iterable[Edge], action: str = "action") -> str:
    listed = list(rows)
    acting = any(row.action for row in listed)
    head = ["state", "input", *([action] if acting else []), "leads to"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in listed:
        done = f"`{row.action}`" if row.action.startswith("_") else row.action
        cells = [row.state, row.event, *([done] if acting else []), ", ".join(row.leads_to)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _meanings(kinds: Iterable[type], title: str) -> str:
    lines = [f"| {title.lower()} | |", "|---|---|"]
    lines += [f"| {kind.__name__} | {' '.join((kind.__doc__ or '').split())} |" for kind in kinds]
    return "\n".join([*lines, ""])


def _prose(text: str | None) -> str:
    """A docstring as Markdown: its indented list becomes a block of its own, and no asterisk an emphasis."""
    lines = inspect.cleandoc(text or "").splitlines()
    return "\n".join(line if line.startswith("    ") else line.replace("*", r"\*") for line in lines) + "\n"


def _file(module: object) -> str:
    assert inspect.ismodule(module)
    return module.__name__


def _name(member: Enum) -> str:
    return member.name.lower()


def _names(states: Iterable[Enum]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_name(state) for state in states))
