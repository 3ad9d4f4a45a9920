"""The nodes of an IVR flow as they stand in the configuration."""

from __future__ import annotations

from typing import Literal

from trunkline.config.criteria import Node as Criteria
from trunkline.config.hours import Hours
from trunkline.config.struct import Struct


class Prompt(Struct, frozen=True, kw_only=True):
    """Something to be heard: a text to be spoken in `lang` (default English), or a file."""

    say: str | None = None
    file: str | None = None
    lang: str | None = None


class Play(Struct, frozen=True, kw_only=True, tag_field="node", tag="play"):
    """Plays its prompts, then goes on. `say` in the file is a short form of it."""

    prompts: tuple[Prompt, ...]
    next: str


class Menu(Struct, frozen=True, kw_only=True, tag_field="node", tag="menu"):
    """Asks for one key; `choices` maps keys to nodes. After `tries` without a valid key it goes to `otherwise`."""

    prompts: tuple[Prompt, ...]
    choices: dict[str, str]
    otherwise: str
    seconds: int = 6
    tries: int = 2
    invalid: tuple[Prompt, ...] = ()
    into: str | None = None
    sensitive: bool = False


class Collect(Struct, frozen=True, kw_only=True, tag_field="node", tag="collect"):
    """Collects up to `digits` keys, ended by `finish`, into the attribute `into` (default `ivr.NODE`)."""

    prompts: tuple[Prompt, ...]
    digits: int
    next: str
    otherwise: str
    into: str | None = None
    min_digits: int | None = None
    finish: str = "#"
    seconds: int = 8
    tries: int = 2
    invalid: tuple[Prompt, ...] = ()
    sensitive: bool = False


class YesNo(Struct, frozen=True, kw_only=True, tag_field="node", tag="yes_no"):
    """Asks a question: 1 is yes, 2 is no. The answer is stored in `into` as `yes` or `no`."""

    prompts: tuple[Prompt, ...]
    yes: str
    no: str
    otherwise: str
    seconds: int = 6
    tries: int = 2
    into: str | None = None


class Language(Struct, frozen=True, kw_only=True, tag_field="node", tag="language"):
    """Asks which language; `choices` maps keys to language codes, stored in `caller.language`."""

    prompts: tuple[Prompt, ...]
    choices: dict[str, str]
    next: str
    otherwise: str
    seconds: int = 6
    tries: int = 2


class Branch(Struct, frozen=True, kw_only=True, tag_field="node", tag="condition"):
    """Goes to `then` when the criteria are true, else to `otherwise`."""

    when: Criteria
    then: str
    otherwise: str


class HoursNode(Struct, frozen=True, kw_only=True, tag_field="node", tag="hours"):
    """Goes to `open` inside the hours named by campaign or node, else to `closed`."""

    hours: Hours
    open: str
    closed: str
    zone: str | None = None


class SetNode(Struct, frozen=True, kw_only=True, tag_field="node", tag="set"):
    """Sets attributes (tag.*, ivr.*, caller.language, caller.skills, geo.zip, geo.state) to fixed values."""

    values: dict[str, str]
    next: str


class Splitter(Struct, frozen=True, kw_only=True, tag_field="node", tag="splitter"):
    """Goes to one of several nodes by chance, in proportion to their weights."""

    split: tuple[Share, ...]


class Share(Struct, frozen=True, kw_only=True):
    """One way out of a splitter."""

    next: str
    weight: int = 1


class RouteNode(Struct, frozen=True, kw_only=True, tag_field="node", tag="route"):
    """Sells the call by a plan (default the campaign's). `otherwise` replaces the plan's no-buyer treatment."""

    plan: str | None = None
    otherwise: str | None = None


class HoldQueue(Struct, frozen=True, kw_only=True, tag_field="node", tag="hold_queue"):
    """Holds the caller until a buyer of the plan (default the campaign's) has room, for at most `seconds`.

    Callers are served in the order in which they came. Who has to wait hears `prompts`, then `music`; every
    `position_seconds` its place in the line. `next` is where those go who were not served.
    """

    plan: str | None = None
    seconds: int = 120
    max_callers: int = 100
    prompts: tuple[Prompt, ...] = ()
    music: Prompt | None = None
    position_seconds: int | None = None
    next: str | None = None


class Voicemail(Struct, frozen=True, kw_only=True, tag_field="node", tag="voicemail"):
    """Plays its prompts and a tone, then records a message of at most `seconds`."""

    prompts: tuple[Prompt, ...] = ()
    seconds: int = 120
    next: str | None = None


class HangUp(Struct, frozen=True, kw_only=True, tag_field="node", tag="hang_up"):
    """Ends the call."""

    status: Literal["normal"] = "normal"


FlowNode = (
    Play
    | Menu
    | Collect
    | YesNo
    | Language
    | Branch
    | HoursNode
    | SetNode
    | Splitter
    | RouteNode
    | HoldQueue
    | Voicemail
    | HangUp
)


class Flow(Struct, frozen=True, kw_only=True):
    """A graph of nodes; `start` names the first."""

    key: str
    start: str
    nodes: dict[str, FlowNode]
