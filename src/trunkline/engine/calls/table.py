"""The call machine's states and every transition between them.

    NEW        nothing has happened yet
    SAVING     something is to be said to the caller, and the call is not on disk yet
    ANNOUNCING the caller, just answered, hears that the call may be recorded
    TALKING    the flow is heard or waits for keys
    QUEUED     the caller is held until somebody has room
    SEEKING    an offer was asked for; bidders may be thinking
    RESERVING  an offer holds its seats, or its confirmation is there, and that is not on disk yet
    CONFIRMING the winner of an auction is asked whether it stands by its bid
    RINGING    the buyer has been invited, on one phone or on several at once
    PRESSING   a phone of the buyer was answered and has to press a key to take the call; others may still ring
    KEYING     the buyer has taken the call, and keys are sent to reach an extension behind it
    BRIEFING   the buyer has taken the call and hears a whisper or the announcement
    CONNECTED  caller and buyer talk
    CLOSING    nobody bought the call; the caller hears the plan's last words
    MESSAGE    the caller leaves a message
    ENDING     the call is over; a recording is being closed
    OVER       nothing is left

Four things can end a call at any time while it is alive: the caller leaves, the system hangs up, the audio process
dies, the journal fails. They are written once, in `ALIVE`, and hold in every state from SAVING to MESSAGE; so does
what is told of holding, which is only remembered until the two are joined. The diagram in the documentation is drawn
from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from trunkline.engine.calls import inputs as i


class State(Enum):
    """Where a call stands."""

    __hash__ = object.__hash__  # there is one of each; an Enum's own would be written in Python

    NEW = "new"
    SAVING = "saving"
    ANNOUNCING = "announcing"
    TALKING = "talking"
    QUEUED = "queued"
    SEEKING = "seeking"
    RESERVING = "reserving"
    CONFIRMING = "confirming"
    RINGING = "ringing"
    PRESSING = "pressing"
    KEYING = "keying"
    BRIEFING = "briefing"
    CONNECTED = "connected"
    CLOSING = "closing"
    MESSAGE = "message"
    ENDING = "ending"
    OVER = "over"


S = State
Step = tuple[str, tuple[State, ...]]
"""The action, a method of the machine, and the states it may lead to."""

END = (S.ENDING, S.OVER)
FLOW = (S.SAVING, S.ANNOUNCING, S.TALKING, S.QUEUED, S.SEEKING, S.MESSAGE, *END)
"""Where going on with the flow can lead."""
NEXT = (S.SEEKING,)
"""Where a failed attempt leads, and a buyer that hangs up within the reroute window."""
JOIN = (S.BRIEFING, S.CONNECTED)
TAKEN = (S.KEYING, *JOIN)
"""Where the acceptance of one leg leads."""
ASKING = (S.RINGING, S.PRESSING, *NEXT)
"""Where the failure of one leg leads: to the others, or to the next attempt."""

ALIVE_STATES = (
    S.SAVING,
    S.ANNOUNCING,
    S.TALKING,
    S.QUEUED,
    S.SEEKING,
    S.RESERVING,
    S.CONFIRMING,
    S.RINGING,
    S.PRESSING,
    S.KEYING,
    S.BRIEFING,
    S.CONNECTED,
    S.CLOSING,
    S.MESSAGE,
)
ALIVE: Mapping[type, Step] = {
    i.CallerLeft: ("_caller_left", END),
    i.HangUp: ("_system_hangs_up", END),
    i.MediaLost: ("_media_lost", END),
    i.NotDurable: ("_not_durable", (*ALIVE_STATES, *END)),
}
RECORDED_STATES = tuple(state for state in ALIVE_STATES if state not in (S.SAVING, S.ANNOUNCING))
"""Where a file can be open: never before the caller is answered and has heard that there may be one."""

_OWN: Mapping[tuple[State, type], Step] = {
    (S.NEW, i.Arrived): ("_arrived", (S.SAVING, S.SEEKING)),
    (S.SAVING, i.Durable): ("_saved_step", (State.SAVING, *FLOW, S.CLOSING)),
    (S.ANNOUNCING, i.Played): ("_announced_to_caller", (S.ANNOUNCING, *FLOW, S.CLOSING)),
    (S.TALKING, i.Played): ("_flow_heard", FLOW),
    (S.TALKING, i.KeyPressed): ("_flow_key", FLOW),
    (S.TALKING, i.Tick): ("_flow_tick", FLOW),
    (S.QUEUED, i.Queued): ("_queued", (S.QUEUED,)),
    (S.QUEUED, i.Played): ("_heard_in_queue", (S.QUEUED,)),
    (S.QUEUED, i.PlaceDue): ("_place_due", (S.QUEUED,)),
    (S.QUEUED, i.Placed): ("_tell_place", (S.QUEUED,)),
    (S.QUEUED, i.Tick): ("_waited_too_long", (S.QUEUED,)),
    (S.QUEUED, i.Offered): ("_served", (S.RESERVING,)),
    (S.QUEUED, i.Exhausted): ("_not_served", (*FLOW, S.CLOSING)),
    (S.SEEKING, i.Asking): ("_asking", (S.SEEKING,)),
    (S.SEEKING, i.Durable): ("_saved_in_auction", (S.SEEKING,)),
    (S.SEEKING, i.Played): ("_announced_in_auction", (S.SEEKING,)),
    (S.SEEKING, i.Offered): ("_offered", (S.RESERVING,)),
    (S.SEEKING, i.Exhausted): ("_exhausted", (*FLOW, S.CLOSING)),
    (S.RESERVING, i.Durable): ("_reserved", (S.RESERVING, S.CONFIRMING, S.RINGING)),
    (S.RESERVING, i.Played): ("_announced_in_auction", (S.RESERVING,)),
    (S.CONFIRMING, i.Confirmed): ("_confirmed", (S.RESERVING, S.CONFIRMING)),
    (S.CONFIRMING, i.NotConfirmed): ("_not_confirmed", (S.CONFIRMING, *NEXT)),
    (S.CONFIRMING, i.Played): ("_announced_in_auction", (S.CONFIRMING,)),
    (S.RINGING, i.Played): ("_announced_in_auction", (S.RINGING,)),
    (S.RINGING, i.Dialled): ("_dialled", (S.RINGING,)),
    (S.RINGING, i.BuyerRings): ("_buyer_rings", (S.RINGING,)),
    (S.RINGING, i.BuyerMoved): ("_buyer_moved", (S.RINGING,)),
    (S.RINGING, i.BuyerAnswered): ("_buyer_answered", (S.RINGING, S.PRESSING, *TAKEN)),
    (S.RINGING, i.BuyerRefused): ("_buyer_refused", (S.RINGING, *NEXT)),
    (S.RINGING, i.BuyerSilent): ("_buyer_silent", (S.RINGING, *NEXT)),
    (S.RINGING, i.BuyerUnreachable): ("_buyer_unreachable", (S.RINGING, *NEXT)),
    (S.RINGING, i.BuyerLeft): ("_leg_left", (S.RINGING, *NEXT)),
    (S.RINGING, i.LegDue): ("_leg_due", NEXT),
    (S.PRESSING, i.Dialled): ("_dialled", (S.PRESSING,)),
    (S.PRESSING, i.BuyerRings): ("_buyer_rings", (S.PRESSING,)),
    (S.PRESSING, i.BuyerMoved): ("_buyer_moved", (S.PRESSING,)),
    (S.PRESSING, i.BuyerAnswered): ("_buyer_answered", (S.PRESSING,)),
    (S.PRESSING, i.BuyerRefused): ("_buyer_refused", (S.PRESSING,)),
    (S.PRESSING, i.BuyerSilent): ("_buyer_silent", (S.PRESSING,)),
    (S.PRESSING, i.BuyerUnreachable): ("_buyer_unreachable", (S.PRESSING,)),
    (S.PRESSING, i.Played): ("_leg_heard", (S.PRESSING,)),
    (S.PRESSING, i.KeyPressed): ("_leg_key", (*ASKING, *TAKEN)),
    (S.PRESSING, i.LegDue): ("_leg_due", ASKING),
    (S.PRESSING, i.BuyerLeft): ("_leg_left", ASKING),
    (S.KEYING, i.LegDue): ("_keys_sent", TAKEN),
    (S.KEYING, i.BuyerLeft): ("_buyer_left", (S.KEYING, *NEXT, *END)),
    (S.KEYING, i.Tick): ("_too_long", END),
    (S.BRIEFING, i.Played): ("_briefed", JOIN),
    (S.BRIEFING, i.BuyerLeft): ("_buyer_left", (S.BRIEFING, *NEXT, *END)),
    (S.BRIEFING, i.Tick): ("_too_long", END),
    (S.CONNECTED, i.Played): ("_announced_over_bridge", (S.CONNECTED,)),
    (S.CONNECTED, i.KeyPressed): ("_key_over_bridge", (S.CONNECTED,)),
    (S.CONNECTED, i.BuyerLeft): ("_buyer_left", (S.CONNECTED, *NEXT, *END)),
    (S.CONNECTED, i.Tick): ("_too_long", END),
    (S.CLOSING, i.Played): ("_last_words_heard", (S.CLOSING, S.MESSAGE, *END)),
    (S.MESSAGE, i.Played): ("_message_prompt_heard", (S.MESSAGE,)),
    (S.MESSAGE, i.KeyPressed): ("_message_key", (S.MESSAGE, *FLOW)),
    (S.MESSAGE, i.Tick): ("_message_over", FLOW),
    (S.ENDING, i.Recorded): ("_last_file_closed", END),
    (S.ENDING, i.Tick): ("_file_given_up", (S.OVER,)),
    (S.ENDING, i.Offered): ("_too_late", (S.ENDING,)),
    (S.OVER, i.Offered): ("_too_late", (S.OVER,)),
}

TRANSITIONS: Mapping[tuple[State, type], Step] = {
    **{(state, event): step for state in ALIVE_STATES for event, step in ALIVE.items()},
    **{(state, i.Recorded): ("_recorded", (state,)) for state in RECORDED_STATES},
    **{(state, i.Held): ("_held", (state,)) for state in ALIVE_STATES},
    **_OWN,
}
"""(state, input) to its step. Any other pair is late or early news and changes nothing."""
