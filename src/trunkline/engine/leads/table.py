"""The lead machine's states and every transition between them.

    NEW      nothing has happened yet
    SEEKING  an offer was asked for; bidders may be thinking
    SAVING   an offer holds its seats and is not on disk yet
    POSTING  a buyer has been sent the lead, or is being sent it
    HOLDING  a person has to look at the lead, and that is not on disk yet
    ENDING   how the lead ended is not on disk yet
    OVER     whoever sent the lead was answered

A lead waits for one thing at a time: an offer, the disk, a buyer. It has no timers: the deadline of a post goes with
the post, and patience is the search's. What waits for the disk is told if that fails: before the first post nothing is
kept of the lead and its sender may send it again; after it a restart goes on with it, so its sender is told that it was
received, and no more, since an acceptance that nobody remembers is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from trunkline.engine.leads import inputs as i


class State(Enum):
    """Where a lead stands."""

    __hash__ = object.__hash__  # there is one of each; an Enum's own would be written in Python

    NEW = "new"
    SEEKING = "seeking"
    SAVING = "saving"
    POSTING = "posting"
    HOLDING = "holding"
    ENDING = "ending"
    OVER = "over"


S = State
Step = tuple[str, tuple[State, ...]]
"""The action, a method of the machine, and the states it may lead to."""

TRANSITIONS: Mapping[tuple[State, type], Step] = {
    (S.NEW, i.Arrived): ("_arrived", (S.SEEKING, S.HOLDING, S.ENDING)),
    (S.NEW, i.Resumed): ("_resumed", (S.SEEKING, S.POSTING)),
    (S.NEW, i.Reviewed): ("_reviewed", (S.SEEKING, S.ENDING)),
    (S.NEW, i.Aged): ("_aged", (S.SEEKING,)),
    (S.SEEKING, i.Offered): ("_offered", (S.SAVING,)),
    (S.SEEKING, i.Exhausted): ("_exhausted", (S.ENDING,)),
    (S.SAVING, i.Durable): ("_saved", (S.POSTING,)),
    (S.SAVING, i.NotDurable): ("_not_saved", (S.OVER, S.ENDING)),
    (S.POSTING, i.Delivered): ("_delivered", (S.SEEKING, S.ENDING)),
    (S.HOLDING, i.Durable): ("_told", (S.OVER,)),
    (S.HOLDING, i.NotDurable): ("_not_told", (S.OVER,)),
    (S.ENDING, i.Durable): ("_told", (S.OVER,)),
    (S.ENDING, i.NotDurable): ("_not_told", (S.OVER,)),
}
"""(state, input) to its step. Nothing else can be told in a state: a lead waits for one thing."""
