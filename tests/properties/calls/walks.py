"""Calls to which anything happens: the configurations and the steps that the model checks choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.legs import leg_name
from trunkline.engine.calls.table import State
from trunkline.events.calls import OfferReserved
from trunkline.testing.callworld import CallWorld, hearer, leg_number

FLOWS = {
    "direct": ["sell: {route: {}}"],
    "asks": [
        'zip: {collect: {say: "ZIP", digits: 2, seconds: 3, tries: 2, into: geo.zip}, next: menu, otherwise: menu}',
        'menu: {menu: {say: "1?", choices: {"1": sell, "2": bye}, seconds: 3, tries: 1, otherwise: message}}',
        'message: {voicemail: {say: "Speak", seconds: 10}}',
        "bye: {hang_up: {}}",
        "sell: {route: {}, otherwise: message}",
    ],
    "holds": [
        'hold: {hold_queue: {say: "Wait.", seconds: 11, position_seconds: 10}, next: message}',
        'message: {voicemail: {say: "Speak", seconds: 10}}',
    ],
    "sensitive": [
        'card: {collect: {say: "Card", digits: 2, seconds: 3, tries: 1, sensitive: true}, next: sell, otherwise: sell}',
        "sell: {route: {}}",
    ],
}
RECORDINGS = ("off", "from_answer", "from_connect")
NO_BUYER = (
    "{then: hang_up}",
    '{say: "Sorry.", then: hang_up}',
    '{say: "Sorry.", then: voicemail}',
    "{then: voicemail}",
)
TIMERS = ("{event: connect}", "{event: attempt}", "{event: duration, seconds: 4, timer: dial}")
DIGITS = ("w", "12", "w1p2#", "p" * 16)
"""The last are longer than the longest call."""
STATUSES = (486, 480, 603, 404, 500)


class Choose(Protocol):
    """How a step is chosen: by hypothesis or by a seeded generator."""

    def one_of(self, options: Sequence[object]) -> object: ...

    def below(self, bound: int) -> int: ...


def configuration(choose: Choose) -> str:
    """A configuration with one number, three targets, and everything that changes the order of things chosen."""
    flow = str(choose.one_of(sorted(FLOWS)))
    accept = 'press_to_accept: "1", ' if choose.below(2) else ""
    said = 'whisper: "A call.", ' if choose.below(2) else ""
    group = 'also_dial: ["sip:a2@127.0.0.1:5084", "sip:a3@127.0.0.1:5085"], ' if choose.below(2) else ""
    keys = f'post_answer_digits: "{choose.one_of(DIGITS)}", ' if choose.below(2) else ""
    return f"""
version: 1
account: {{key: acme, currency: USD, timezone: America/New_York}}
publishers: [{{key: pub}}]
campaigns:
  - key: c
    flow: f
    plan: p
    answer: {choose.one_of(("flow", "buyer"))}
    conversion: {{call: {choose.one_of(TIMERS)}}}
    payouts: [{{event: convert, percent: 60}}]
    recording: {{mode: {choose.one_of(RECORDINGS)}, announce: "Recorded.", pause_keys: "1"}}
    hold_music: {{file: prompts/music.wav}}
numbers: [{{number: "+18335550100", campaign: c, publisher: pub}}]
buyers:
  - key: one
    limits: [{{measure: live, max: 1}}, {{measure: convert, per: day, max: 5}}]
    funding: {{mode: prepaid, limit: "500.00"}}
  - {{key: two}}
targets:
  - {{key: a, buyer: one, {accept}{said}{group}{keys}dial: "sip:a@127.0.0.1:5081", ring_seconds: 5}}
  - {{key: b, buyer: two, {said}{keys}dial: "sip:b@127.0.0.1:5082", ring_seconds: 5, max_duration_seconds: 30}}
  - {{key: d, buyer: two, dial: "sip:d@127.0.0.1:5083", ring_seconds: 5}}
plans:
  - key: p
    tiers:
      - method: priority
        routes:
          - {{target: a, price: "10.00", hops: [0, 1, 2]}}
          - {{target: b, priority: 2, price: "5.00", hops: [0, 1]}}
      - {{method: weighted, routes: [{{target: d, price: "1.00"}}]}}
    reroute_seconds: {choose.one_of((0, 20))}
    reroute_again: {choose.one_of(("true", "false"))}
    no_buyer: {choose.one_of(NO_BUYER)}
flows: [{{key: f, start: {FLOWS[flow][0].split(":")[0]}, nodes: {{{", ".join(FLOWS[flow])}}}}}]
trunks: [{{key: lo, allow: ["127.0.0.0/8"], default_country: US}}]
"""


class Walk:
    """One call and the steps that can be taken with it."""

    def __init__(self, choose: Choose) -> None:
        self.world = CallWorld(configuration(choose), slow_offers=choose.below(2) == 1)
        self.choose = choose
        self.world.auctions = choose.below(2) == 1
        self.world.confirms = choose.below(3) == 1
        self.world.crowded = choose.below(2) == 1
        self.world.tell(i.Arrived())

    @property
    def alive(self) -> bool:
        """Whether the caller's leg still stands."""
        return self.world.machine.state not in (State.ENDING, State.OVER)

    def step(self, name: str) -> None:
        """Take one step, then check what must always hold."""
        STEPS[name](self)
        self.world.check()

    def finish(self) -> None:
        """End the call in a usual way, let everything late arrive, and check that nothing is left."""
        world = self.world
        world.tell(i.Tick())  # what was due before: it may end the call by itself
        if self.alive:
            world.caller_open = False
            world.tell(i.CallerLeft())
        while world.sought:
            world.find()
        world.close_files()
        while world.machine.next_timer() is not None:
            world.next_tick()
        world.durable()
        world.check_over()

    def go_on(self) -> None:
        """The likely thing, so that calls get far."""
        world, choice = self.world, self.choose.below(4)
        if world.sought:
            world.find()
        elif world.tickets:
            world.durable()
        elif world.machine.state is State.QUEUED:
            self.room()
        elif world.machine.state is State.CONFIRMING:
            world.tell(i.Confirmed(world.attempt))
        elif world.machine.state is State.RINGING:
            attempt, leg = world.attempt, self.some_leg()
            if choice == 0:
                self.refuse()
            else:
                rings = i.BuyerRings(attempt, leg, early=bool(self.choose.below(2)))
                world.tell(rings if choice == 1 else i.BuyerAnswered(attempt, leg))
        elif world.playing and choice:
            world.finish_playing(str(self.choose.one_of(sorted(world.playing))))
        elif world.machine.state is State.PRESSING:
            world.tell(i.KeyPressed("buyer", "1", self.some_leg()))
        else:
            world.tell(i.KeyPressed("caller", "1"))

    def some_leg(self) -> int:
        """The number of one of the running attempt's legs that are not over."""
        legs = sorted(self.world.ringing)
        return leg_number(str(self.choose.one_of(legs))) if legs else 0

    def refuse(self) -> None:
        """The buyer that rings says no."""
        self.world.tell(i.Tick())
        if self.world.machine.state is State.RINGING:
            attempt, leg = self.world.attempt, self.some_leg()
            self.world.ringing.discard(leg_name(attempt, leg))
            self.world.tell(i.BuyerRefused(attempt, 486, leg))

    def disk(self) -> None:
        """One append is durable, or was not possible."""
        if self.world.tickets:
            ticket = self.world.tickets.pop(0)
            self.world.tell(i.Durable(ticket) if self.choose.below(6) else i.NotDurable(ticket))

    def confirm(self) -> None:
        """The bidder that has won says something of it, or one that was let go does."""
        world = self.world
        attempt = world.confirming or "att"
        kind = self.choose.below(4)
        if kind == 3:
            world.tell(i.NotConfirmed(attempt, "rejected_at_post", self.choose.below(2) == 1))
        else:
            world.tell(i.Confirmed(attempt, "sip:named@127.0.0.1:5086" if kind else None))

    def stale_ticket(self) -> None:
        """News of an append that nobody waits for any more."""
        self.world.tell(i.NotDurable(0) if self.choose.below(2) else i.Durable(0))

    def time(self) -> None:
        """Time passes, seen by the machine or not."""
        self.world.pass_time(self.choose.below(8_000))
        if self.choose.below(2):
            self.world.tell(i.Tick())

    def timer(self) -> None:
        """The next timer fires."""
        if self.world.machine.next_timer() is not None:
            self.world.next_tick()

    def played(self) -> None:
        """A prompt ends, heard or not."""
        if self.world.playing:
            self.world.finish_playing(str(self.choose.one_of(sorted(self.world.playing))), bool(self.choose.below(4)))

    def stale_prompt(self) -> None:
        """A prompt ends that nobody waits for."""
        tag = self.choose.below(5)
        if tag not in self.world.playing.values():
            self.world.tell(i.Played(tag, completed=True))

    def key(self) -> None:
        """Somebody presses a key."""
        side: i.Side = "buyer" if self.choose.below(2) else "caller"
        self.world.tell(i.KeyPressed(side, str(self.choose.one_of(("1", "2", "#"))), self.choose.below(3)))

    def buyer(self) -> None:
        """News of a buyer's leg: the running attempt's, or one that is long over."""
        world = self.world
        world.tell(i.Tick())  # what was due before is done with peers that are still there
        attempts = [event.attempt for event in world.events(OfferReserved)]
        if not attempts:
            return
        attempt = str(self.choose.one_of(attempts))
        running = world.machine.attempt is not None and world.machine.attempt.id == attempt
        leg = self.some_leg() if running else self.choose.below(3)
        name = leg_name(attempt, leg)
        if running and name not in world.ringing:
            return  # nobody can speak for a leg that was not rung yet, or is over
        refusable = not running or world.rings(leg)
        kind = self.choose.below(7 if refusable else 4)
        if running and kind in (3, 5):
            world.ringing.discard(name)  # the peer has ended its leg itself
            world.playing.pop(hearer("buyer", leg), None)
        status = self.choose.one_of(STATUSES)
        assert isinstance(status, int)
        world.tell(
            (
                i.BuyerRings(attempt, leg, early=bool(self.choose.below(2)) and world.rings(leg)),
                i.BuyerAnswered(attempt, leg),
                i.BuyerUnreachable(attempt, "dns", leg),
                i.BuyerLeft(attempt, leg),
                i.BuyerSilent(attempt, leg),
                i.BuyerRefused(attempt, status, leg),
                i.BuyerMoved(attempt, leg),
            )[kind]
        )

    def late_name(self) -> None:
        """The address of one more of the phones that ring together is found, and its INVITE leaves."""
        if self.world.ringing:
            self.world.tell(i.Dialled(self.world.attempt, 1, self.some_leg()))

    def hold(self) -> None:
        """A party holds or resumes."""
        side: i.Side = "buyer" if self.choose.below(2) else "caller"
        self.world.tell(i.Held(side, self.choose.below(2) == 1, self.some_leg()))

    def files(self) -> None:
        """Files that were stopped are closed; or one that is open is closed by a full disk."""
        if self.choose.below(3) == 0 and self.world.recording:
            recording = self.world.recording.popitem()[0]
            self.world.tell(i.Recorded(recording, 10, "disk full"))
        self.world.close_files()

    def room(self) -> None:
        """Everybody has become busy, or somebody has become free."""
        self.world.crowded = self.choose.below(3) == 0
        self.world.tell(i.Tick())  # what was due before: the wait may be over
        self.world.look()

    def late_offer(self) -> None:
        """An offer is found, whether or not it is still wanted."""
        if self.world.sought:
            self.world.find()

    def end(self) -> None:
        """Once in a while: the caller leaves, the system hangs up, the audio process dies."""
        if self.alive and not self.choose.below(6):
            self.meet(SUDDEN[(i.CallerLeft, i.HangUp, i.MediaLost)[self.choose.below(3)]])

    def meet(self, event: i.Input) -> None:
        """Something happens that can happen at any moment."""
        if isinstance(event, i.CallerLeft):
            self.world.tell(i.Tick())
            self.world.caller_open = False
        self.world.tell(event)
        self.world.check()


SUDDEN: dict[type, i.Input] = {
    i.CallerLeft: i.CallerLeft(),
    i.HangUp: i.HangUp("operator"),
    i.MediaLost: i.MediaLost(),
    i.NotDurable: i.NotDurable(0),
    i.Recorded: i.Recorded("nobody's", 0, None),
    i.Held: i.Held("caller", True),
    i.Placed: i.Placed(2),
    i.PlaceDue: i.PlaceDue(),
}
"""What can happen at any moment."""

STEPS: dict[str, Callable[[Walk], None]] = {
    "go_on": Walk.go_on,
    "refuse": Walk.refuse,
    "disk": Walk.disk,
    "confirm": Walk.confirm,
    "stale_ticket": Walk.stale_ticket,
    "time": Walk.time,
    "timer": Walk.timer,
    "played": Walk.played,
    "stale_prompt": Walk.stale_prompt,
    "key": Walk.key,
    "buyer": Walk.buyer,
    "late_name": Walk.late_name,
    "hold": Walk.hold,
    "files": Walk.files,
    "late_offer": Walk.late_offer,
    "room": Walk.room,
    "end": Walk.end,
}
