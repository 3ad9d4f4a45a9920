"""Which servers can be used, and which targets are therefore out of service.

There is a circuit for a server as soon as something has failed there, or where keepalives are asked for. A target is
down when every phone of it is, a phone when every server of every place that it may be reached by is. What is down is
a fact with a version: routing passes such targets over, and every change is in the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trunkline.events.entry import Entry
from trunkline.events.switch import TargetDown, TargetUp
from trunkline.sip.endpoint import Hop, OutsideRequest
from trunkline.sip.errors import LocalSipError
from trunkline.sip.uri import bracketed
from trunkline.switch.watched import NOTHING_WATCHED, Watched
from trunkline.telephony.sip.circuits import Circuit, Command, Event
from trunkline.telephony.sip.servers import Place

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.health")

LOOK_S = 0.5
JUDGE_S = 5.0
PROBE_S = 4.0
"""How long an OPTIONS is waited for, at most; not longer than until the next one."""
CIRCUITS_MAX = 10_000
PROBES_AT_ONCE = 100
"""OPTIONS sent in one look; the others wait for the next."""


class Health:
    """The circuits of one switch and the facts that follow from them."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._circuits: dict[Hop, Circuit] = {}
        self._probes: dict[int, tuple[Hop, float]] = {}
        self._watched = NOTHING_WATCHED
        self._judged_s = 0.0
        self._forgot_s = 0.0
        self._down: dict[str, set[str]] = {}

    # -- what others ask -------------------------------------------------------------------------------------------

    def usable(self, hops: Sequence[Hop]) -> Sequence[Hop]:
        """The hops that calls may be sent to, in their order; all of them when none may."""
        if not self._circuits:
            return hops
        fit = [hop for hop in hops if not self._is_down(hop)]
        return fit or hops

    def open_circuits(self) -> int:
        """How many servers are out of use."""
        return sum(circuit.down for circuit in self._circuits.values())

    def targets_down(self) -> int:
        """How many targets are out of service."""
        return sum(len(targets) for targets in self._down.values())

    # -- what others tell ------------------------------------------------------------------------------------------

    def worked(self, hop: Hop) -> None:
        """A server has answered a call, with anything but 503."""
        if self._circuits:
            circuit = self._circuits.get(hop)
            if circuit is not None:
                self._tell(hop, circuit, Event.WORKED, "")

    def failed(self, hop: Hop, reason: str) -> None:
        """A server said nothing, could not be reached, or answered 503."""
        circuit = self._circuits.get(hop)
        if circuit is None:
            if len(self._circuits) >= CIRCUITS_MAX:
                return
            circuit = self._circuits[hop] = Circuit()
        self._tell(hop, circuit, Event.FAILED, reason)

    def answered(self, number: int, status: int | None) -> None:
        """What became of an OPTIONS of ours."""
        found = self._probes.pop(number, None)
        if found is None:
            return
        circuit = self._circuits.get(found[0])
        if circuit is None:
            return
        lives = status is not None and status != 503
        self._plant.metrics.probes.labels("answered" if lives else "failed").inc()
        reason = "keepalive" if status is None else "keepalive_503"
        self._tell(found[0], circuit, Event.PROBE_WORKED if lives else Event.PROBE_FAILED, reason)

    def use(self, watched: Watched) -> None:
        """Watch what a configuration dials from now on."""
        self._watched = watched
        self._forget()
        self._judge()

    # -- time ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look after circuits and probes until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look(self._plant.sip.now())

    def look(self, now_s: float) -> None:
        """Probe what is due, give up what has not answered, forget what says nothing any more."""
        if self._circuits and now_s >= self._forgot_s + JUDGE_S:
            self._forget()
        self._keep_alive(now_s)
        for number in [number for number, (_, until_s) in self._probes.items() if until_s <= now_s]:
            self.answered(number, None)
        sent = 0
        for hop, circuit in tuple(self._circuits.items()):
            if circuit.due_s <= now_s and sent < PROBES_AT_ONCE:
                sent += 1
                self._tell(hop, circuit, Event.TICK, "")
            elif circuit.idle:
                del self._circuits[hop]
        if self._down and now_s >= self._judged_s + JUDGE_S:
            self._judge()  # names may stand for other servers by now
        if sent:
            self._plant.sip.flush()

    def _forget(self) -> None:
        """Forget servers that nothing stands for any more, so that nobody asks them for ever whether they live."""
        self._forgot_s = self._plant.sip.now()
        places = {*self._watched.reached_by, *self._watched.keepalives}
        used = {hop for place in places for hop in self._plant.names.all_servers(place)}
        for hop in self._circuits.keys() - used:
            del self._circuits[hop]

    def _keep_alive(self, now_s: float) -> None:
        wanted: dict[Hop, int] = {}
        for place, every_s in self._watched.keepalives.items():
            for hop in self._plant.names.all_servers(place):
                wanted[hop] = every_s
        for hop, every_s in wanted.items():
            circuit = self._circuits.get(hop)
            if circuit is None and len(self._circuits) < CIRCUITS_MAX:
                circuit = self._circuits[hop] = Circuit()
            if circuit is not None:
                circuit.keep_alive(every_s, now_s + self._plant.chance(1000 * min(every_s, 5)) / 1000)
        for hop, circuit in self._circuits.items():
            if hop not in wanted:
                circuit.keep_alive(None, now_s)

    # -- circuits --------------------------------------------------------------------------------------------------

    def _is_down(self, hop: Hop) -> bool:
        circuit = self._circuits.get(hop)
        return circuit is not None and circuit.down

    def _tell(self, hop: Hop, circuit: Circuit, event: Event, reason: str) -> None:
        for command in circuit.handle(event, self._plant.sip.now(), reason):
            if command is Command.PROBE:
                self._probe(hop, circuit)
                continue
            server = f"{bracketed(hop.host)}:{hop.port}"
            if command is Command.DOWN:
                log.warning("no calls are sent to %s by %s: %s", server, hop.transport, circuit.reason)
            else:
                log.info("calls are sent to %s by %s again", server, hop.transport)
            self._judge()

    def _probe(self, hop: Hop, circuit: Circuit) -> None:
        plant, (host, port) = self._plant, self._plant.sip.public
        transport = "" if hop.transport == "udp" else f";transport={hop.transport}"
        uri = f"sip:{bracketed(hop.host)}:{hop.port}{transport}"
        request = OutsideRequest("OPTIONS", uri, hop, f"sip:{bracketed(host)}:{port}")
        try:
            number = plant.sip.endpoint.ask(request, plant.sip.now())
        except LocalSipError as error:
            log.error("%s cannot be asked whether it lives: %s", uri, error)
            return
        self._probes[number] = (hop, plant.sip.now() + min(PROBE_S, circuit.keepalive_s or PROBE_S))

    # -- targets ---------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """Find out which targets are down now, and tell what has changed."""
        broken = {hop for hop, circuit in self._circuits.items() if circuit.down}
        down: dict[str, set[str]] = {}
        for account, target in self._concerned(broken):
            if all(self._phone_down(places, broken) for places in self._watched.targets[account, target]):
                down.setdefault(account, set()).add(target)
        self._judged_s = self._plant.sip.now()
        for account in {*down, *self._down}:
            before, after = self._down.get(account, set()), down.get(account, set())
            if before != after:
                self._change(account, after)
        self._down = down

    def _concerned(self, broken: set[Hop]) -> set[tuple[str, str]]:
        """The targets that are reached by a place without a server that can be used."""
        watched = self._watched
        places = [place for hop in broken for place in watched.at.get(hop, ())]
        if broken:
            places += [place for place in watched.named if broken.issuperset(self._plant.names.all_servers(place))]
        return {target for place in places for target in watched.reached_by[place]}

    def _phone_down(self, places: tuple[Place, ...], broken: set[Hop]) -> bool:
        """Whether no server of any of the places is left. A place that nothing is known of may have one."""
        if not places:
            return False
        for place in places:
            servers = self._plant.names.all_servers(place)
            if not servers or not broken.issuperset(servers):
                return False
        return True

    def _change(self, account: str, after: set[str]) -> None:
        gone, back, version = self._plant.facts.take_down(account, "servers", frozenset(after))
        at_ms = self._plant.clock().utc_ms
        entries: list[Entry] = []
        for target in gone:
            reason = self._why(account, target)
            log.warning("target %s of %s is out of service: %s", target, account, reason)
            entries.append(Entry(TargetDown(at_ms=at_ms, account=account, target=target, reason=reason, facts=version)))
        for target in back:
            log.info("target %s of %s is in service again", target, account)
            entries.append(Entry(TargetUp(at_ms=at_ms, account=account, target=target, facts=version)))
        self._plant.write(entries)

    def _why(self, account: str, target: str) -> str:
        """What took the target's last server out of use."""
        phones = self._watched.targets[account, target]
        hops = (hop for places in phones for place in places for hop in self._plant.names.all_servers(place))
        circuits = (self._circuits.get(hop) for hop in hops)
        return next((circuit.reason for circuit in circuits if circuit is not None and circuit.down), "")
