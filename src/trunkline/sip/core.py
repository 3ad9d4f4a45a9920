"""What the two sides of the endpoint share: transactions, legs, dialogs, timers, and everything on its way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import inf
from typing import Protocol

import msgspec

from trunkline.sip import replies
from trunkline.sip.appointments import Appointments
from trunkline.sip.authenticator import Authenticator
from trunkline.sip.dialog import Dialog, DialogKey
from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.sip.events import Gone, OrphanEnded, SipEvent
from trunkline.sip.headers import MAGIC_COOKIE
from trunkline.sip.hops import RELIABLE, Faces, Hop
from trunkline.sip.legs import Leg, LegState, Trigger
from trunkline.sip.message import Request, Response
from trunkline.sip.rates import Rates
from trunkline.sip.requests import Outgoing
from trunkline.sip.settings import Datagram, EndpointConfig
from trunkline.sip.timers import TimerHeap
from trunkline.sip.transactions.client import Client, StreamClient
from trunkline.sip.transactions.invite_client import InviteClient, StreamInviteClient
from trunkline.sip.transactions.invite_server import InviteServer, StreamInviteServer
from trunkline.sip.transactions.machine import Command, Input, State, Transaction
from trunkline.sip.transactions.server import Server, StreamServer
from trunkline.sip.uri import is_usable

ALLOWED_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK")
EXTENSIONS = frozenset({"100rel", "timer"})  # what a Require may ask for

MAX_PAYLOAD = 65_507  # of a UDP datagram over IPv4
MTU_SAFE = 1_300  # a larger request should not go by UDP (18.1.1)
STREAM_PEERS_MAX = 4_096
INVITE_BURST_S = 2.0
SPENT = Request("", "", ())  # stands in for a request that has its final response

ClientKey = tuple[str, str]  # branch, method (17.1.3); sent-by is checked to be ours
ServerKey = tuple[str, str, str]  # branch, sent-by, method with ACK counted as INVITE (17.2.3)
MergeKey = tuple[str, str, int]  # Call-ID, From tag, CSeq number (8.2.2.2)


class ClientUser(Protocol):
    """Who wants to know what became of a request."""

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """A response the transaction lets through."""

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """No final response came, or the transport failed."""


class ClientTx:
    """A client transaction with what its table leaves out."""

    __slots__ = ("acks", "alarm", "armed", "data", "leg", "machine", "request", "source", "user")

    def __init__(self, machine: Transaction, request: Outgoing, data: bytes, user: ClientUser, leg: int) -> None:
        self.machine = machine
        self.request = request
        self.data = data
        self.user = user
        self.leg = leg  # 0: nobody's any more, or never anybody's
        self.armed = inf
        self.alarm = 0
        self.source = request.destination  # where the last response came from
        self.acks: dict[str, tuple[bytes, Hop]] = {}  # To tag of each 2xx and its ACK

    @property
    def key(self) -> ClientKey:
        """What responses are matched by."""
        return (self.request.branch, self.request.method)

    def next_timer(self) -> float | None:
        """See Transaction."""
        return self.machine.next_timer()


class ServerTx:
    """A server transaction with what its table leaves out."""

    __slots__ = (
        "alarm", "armed", "data", "destination", "echo", "key", "leg", "machine", "merge_key", "request", "source",
        "to_tag",
    )  # fmt: skip

    def __init__(self, machine: Transaction, key: ServerKey, request: Request, source: Hop, to_tag: str) -> None:
        self.machine = machine
        self.key = key
        self.request = request
        self.source = source
        self.to_tag = to_tag
        self.leg = 0
        self.armed = inf
        self.alarm = 0
        self.echo = replies.echo_lines(request, source)
        self.destination = replies.reply_hop(request, source)
        self.data: bytes | None = None
        self.merge_key: MergeKey | None = None

    def next_timer(self) -> float | None:
        """See Transaction."""
        return self.machine.next_timer()


class Core:
    """The shared state. `now` is monotonic seconds everywhere."""

    def __init__(self, config: EndpointConfig, entropy: Callable[[int], bytes]) -> None:
        self.config = config
        self.entropy = entropy
        self.faces = Faces(config.places or (Hop(config.host, config.port),))
        self.stream_peers: set[tuple[str, int]] = set()
        self.allow_line = f"Allow: {', '.join(ALLOWED_METHODS)}"
        self.agent_line = f"User-Agent: {config.user_agent}"
        self.server_line = f"Server: {config.user_agent}"
        self.counters: Counter[str] = Counter()
        self.timers = TimerHeap()
        self.appointments = Appointments()
        self.outbox: list[Datagram] = []
        self.told: list[SipEvent] = []
        self.legs: dict[int, Leg] = {}
        self.dialogs: dict[DialogKey, Leg] = {}
        self.clients: dict[ClientKey, ClientTx] = {}
        self.servers: dict[ServerKey, ServerTx] = {}
        self.merged: dict[MergeKey, ServerTx] = {}
        self.by_destination: dict[Hop, dict[ClientKey, ClientTx]] = {}
        self.per_source: Counter[str] = Counter()
        self.half_open = 0
        self.half_open_of: Counter[str] = Counter()
        self.invites = Rates(config.state_limits.max_invites_per_s, INVITE_BURST_S)
        self.authenticator = Authenticator(self)
        self._last_leg = 0
        self._secret = entropy(16)

    # -- identifiers ---------------------------------------------------------------------------------------------

    def token(self, size: int = 8) -> str:
        """A fresh random token of `size` bytes in hexadecimal."""
        return self.entropy(size).hex()

    def branch(self) -> str:
        """A fresh branch."""
        return MAGIC_COOKIE + self.entropy(10).hex()

    def chance(self, limit: int) -> int:
        """A random whole number from 0 to `limit`, which is below 256; close enough to uniform for a back-off."""
        return self.entropy(1)[0] % (limit + 1)

    def stateless_tag(self, request: Request) -> str:
        """The To tag of a response we keep no state for: the same for every copy of the request (8.2.7)."""
        text = f"{request.via.branch}|{request.call_id}|{request.header('From')}"
        return blake2b(text.encode("utf-8", "replace"), key=self._secret, digest_size=8).hexdigest()

    # -- legs ----------------------------------------------------------------------------------------------------

    def new_number(self) -> int:
        """A number that names nothing yet."""
        self._last_leg += 1
        return self._last_leg

    def new_leg(self, outgoing: bool, state: LegState, source: Hop) -> Leg:
        """A new leg under a new number."""
        leg = Leg(self.new_number(), outgoing, state, source)
        self.legs[leg.id] = leg
        return leg

    def leg(self, number: int) -> Leg | None:
        """The leg, or None when it is gone: its owner's command crossed the peer's on the way.

        Raises LocalSipError for a number that was never given out.
        """
        leg = self.legs.get(number)
        if leg is None:
            if not 0 < number <= self._last_leg:
                raise LocalSipError(f"there never was a leg {number}")
            self.counters["late_commands"] += 1
        return leg

    def move(self, leg: Leg, trigger: Trigger) -> None:
        """Move a leg and keep count of the calls that wait for our decision."""
        waiting = leg.state == LegState.INCOMING
        leg.move(trigger)
        if waiting and leg.state != LegState.INCOMING:
            self.half_open -= 1
            host = leg.source.host
            self.half_open_of[host] -= 1
            if not self.half_open_of[host]:
                del self.half_open_of[host]

    def register(self, leg: Leg, dialog: Dialog) -> None:
        """Let requests of the peer in `dialog` find the leg."""
        if dialog.key not in self.dialogs:
            self.dialogs[dialog.key] = leg
            leg.keys.append(dialog.key)

    def absorb(self) -> None:
        """Count a message that came again and is told nobody."""
        self.counters["retransmissions_in"] += 1

    def tell(self, event: SipEvent) -> None:
        """Queue an event."""
        self.told.append(event)

    def gone(self, leg: Leg, now: float, status: int | None = None) -> None:
        """Free a leg; `status` is what an orphan's owner is told."""
        assert leg.state == LegState.GONE
        leg.stop_timers()
        leg.pending_2xx = None
        self.timers.forget(leg)
        if leg.session is not None:
            self.appointments.drop(leg.id)
        for key in leg.keys:
            del self.dialogs[key]
        del self.legs[leg.id]
        if leg.reoffer_in is not None:
            self.respond(leg.reoffer_in, 487, now)
        if leg.orphan:
            self.tell(OrphanEnded(leg.id, status))
        self.tell(Gone(leg.id))

    # -- sending -------------------------------------------------------------------------------------------------

    def contact_line(self, peer: Hop, uri: str) -> str:
        """Our Contact for `peer` in a message about `uri`: the Request-URI, or the peer's Contact (RFC 5630 5.1.1)."""
        face = self.faces.toward(peer)
        return face.secure_contact_line if uri[:5].lower() == "sips:" else face.contact_line

    def heard_by_stream(self, tx: ClientTx, source: Hop) -> None:
        """A response came by a stream: its peer speaks TCP, or has shown the certificate of the name we dialled."""
        asked = tx.request.destination
        tx.source = source._replace(name=asked.name) if asked.name else source
        if asked.transport == "tcp":
            if len(self.stream_peers) >= STREAM_PEERS_MAX:
                self.stream_peers.clear()
            self.stream_peers.add(asked[:2])

    def send(self, data: bytes, destination: Hop) -> None:
        """Queue a message; one that no socket could send is counted and dropped."""
        if not is_usable(destination) or len(data) > MAX_PAYLOAD:
            self.counters["undeliverable"] += 1
            return
        self.outbox.append(Datagram(data, destination))

    def start(
        self,
        request: Outgoing,
        now: float,
        user: ClientUser,
        leg: int = 0,
        extra: Sequence[str] = (),
        body: bytes = b"",
    ) -> ClientTx:
        """Write a request and send it in a new client transaction."""
        return self.launch(*self.write(request, [*extra, self.agent_line], body), now, user, leg)

    def write(self, request: Outgoing, lines: Sequence[str], body: bytes = b"") -> tuple[Outgoing, bytes]:
        """A request and its bytes; a large one goes by TCP to a peer known to speak it (18.1.1), else as it is."""
        if request.login is not None:
            self.authenticator.sign(request)
        data = request.encode(lines, body)
        if len(data) > MTU_SAFE and request.destination.transport == "udp":
            host, port = request.destination[:2]
            if (host, port) in self.stream_peers:
                there = Hop(host, port, "tcp")
                request = msgspec.structs.replace(request, destination=there, sent_by=self.faces.toward(there).sent_by)
                data = request.encode(lines, body)
        return request, data

    def launch(self, request: Outgoing, data: bytes, now: float, user: ClientUser, leg: int) -> ClientTx:
        """Send a request that is written already in a new client transaction."""
        machine = self.client_machine(request, now)
        tx = ClientTx(machine, request, data, user, leg)
        self._remember_client(tx)
        self._obey_client(tx, machine.START.commands, None, now)
        return tx

    def adopt_client(self, machine: Transaction, request: Outgoing, user: ClientUser, leg: int) -> ClientTx:
        """Remember a client transaction whose request an earlier process has sent."""
        tx = ClientTx(machine, request, b"", user, leg)
        self._remember_client(tx)
        self.timers.arm(tx)
        return tx

    def _remember_client(self, tx: ClientTx) -> None:
        self.clients[tx.key] = tx
        self.by_destination.setdefault(tx.request.destination, {})[tx.key] = tx

    def in_dialog(self, dialog: Dialog, method: str, cseq: int | None = None) -> Outgoing:
        """A request in `dialog` with the next number; an ACK has that of its INVITE instead."""
        uri, routes, destination = dialog.request_target()
        return Outgoing(
            method=method,
            uri=uri,
            branch=self.branch(),
            sent_by=self.faces.toward(destination).sent_by,
            call_id=dialog.call_id,
            cseq=dialog.next_seq() if cseq is None else cseq,
            from_header=dialog.local,
            to_header=dialog.remote,
            destination=destination,
            routes=routes,
            login=dialog.login,
        )

    def acknowledge(self, tx: ClientTx, dialog: Dialog) -> None:
        """Send the ACK of a 2xx, a request of its own in the dialog, and keep it for the repetitions (13.2.2.4)."""
        ack = self.in_dialog(dialog, "ACK", tx.request.cseq)
        ack.authorization = tx.request.authorization  # 22.1: the proofs of the INVITE are good for its ACK
        tx.acks[dialog.remote_tag] = sent = (ack.encode([self.agent_line]), ack.destination)
        self.send(*sent)

    def reacknowledge(self, tx: ClientTx, response: Response) -> bool:
        """Send the ACK again when this 2xx had one already; returns whether it had."""
        known = tx.acks.get(response.to.tag or "")
        if known is None:
            return False
        self.absorb()
        self.send(*known)
        return True

    # -- answering -----------------------------------------------------------------------------------------------

    def adopt(self, tx: ServerTx) -> None:
        """Remember a server transaction."""
        self.servers[tx.key] = tx
        self.per_source[tx.source[0]] += 1

    def respond(
        self,
        tx: ServerTx,
        status: int,
        now: float,
        extra: Sequence[str] = (),
        body: bytes = b"",
        reason: str | None = None,
    ) -> bytes:
        """Answer in a transaction; returns what was sent."""
        to_tag = None if status == 100 else tx.to_tag
        tx.data = replies.response(tx.request, tx.echo, status, to_tag, extra, body, reason)
        event = Input.PROVISIONAL if status < 200 else Input.SUCCESS if status < 300 else Input.FAILURE
        if status >= 200:
            # What lingers to absorb duplicates needs the response alone; a request is ten times its size in memory.
            tx.request, tx.echo = SPENT, []
        self.feed_server(tx, event, now)
        return tx.data

    def refuse(self, request: Request, source: Hop, status: int, counter: str, extra: Sequence[str] = ()) -> None:
        """Answer without keeping any state: every copy of the request is simply answered again (8.2.7).

        This is how everything is refused that no leg has to hear of, so that a flood of it costs no memory. A request
        that lacks what a response must repeat is dropped.
        """
        self.counters[counter] += 1
        if request.method == "ACK":
            return
        try:
            data = self.stateless(request, source, status, extra)
        except RemoteSipError:
            self.counters["unanswerable"] += 1
            return
        self.send(data, replies.reply_hop(request, source))

    def stateless(self, request: Request, source: Hop, status: int, extra: Sequence[str] = ()) -> bytes:
        """A response without a transaction. Raises RemoteSipError when the request cannot be answered."""
        for name in ("From", "To", "Call-ID", "CSeq"):
            if not request.header(name):
                raise RemoteSipError(400, f"Missing {name}")
        tag = self.stateless_tag(request)
        return replies.response(request, replies.echo_lines(request, source), status, tag, extra)

    # -- running the transactions --------------------------------------------------------------------------------

    def feed_client(self, tx: ClientTx, event: Input, now: float, response: Response | None = None) -> None:
        """Give a client transaction an input and do what it says."""
        self._obey_client(tx, tx.machine.handle(event, now), response, now)

    def feed_server(self, tx: ServerTx, event: Input, now: float) -> tuple[Command, ...]:
        """Give a server transaction an input and do what it says; the commands left to its user are returned."""
        commands = tx.machine.handle(event, now)
        self._obey_server(tx, commands)
        return commands

    def limit(self, tx: ClientTx, now: float) -> None:
        """Give an INVITE that got a provisional response 64*T1 more."""
        self.feed_client(tx, Input.LIMIT, now)

    def fire(self, tx: ClientTx | ServerTx, now: float) -> None:
        """A timer of the transaction is due."""
        commands = tx.machine.fire(now)
        if isinstance(tx, ClientTx):
            self._obey_client(tx, commands, None, now)
        else:
            self._obey_server(tx, commands)

    def fail_destination(self, destination: Hop, now: float) -> None:
        """The transport cannot reach a peer."""
        if destination.transport == "tcp":
            self.stream_peers.discard(destination[:2])
        for tx in list(self.by_destination.get(destination, {}).values()):
            self.feed_client(tx, Input.TRANSPORT_ERROR, now)

    def _obey_client(self, tx: ClientTx, commands: Sequence[Command], response: Response | None, now: float) -> None:
        for command in commands:
            if command == Command.SEND:
                self.send(tx.data, tx.request.destination)
            elif command == Command.REPEAT:
                self.counters["retransmissions_out"] += 1
                self.send(tx.data, tx.request.destination)
            elif command == Command.ABSORB:
                self.absorb()
            elif command == Command.ACK:
                assert response is not None
                self.send(tx.request.failure_ack(response), tx.request.destination)
            elif command == Command.DELIVER:
                assert response is not None
                if 200 <= response.status < 300:
                    tx.data = b""  # never sent again; what lingers for duplicates needs its key and the ACK alone
                if tx.request.login is None or not self.authenticator.answers(tx, response, now):
                    tx.user.response(tx, response, now)
            elif command == Command.TERMINATED:
                self._forget_client(tx)
            else:
                self.counters["timeouts" if command == Command.TIMED_OUT else "transport_failures"] += 1
                tx.user.unanswered(tx, now, command == Command.FAILED)
        self.timers.arm(tx)

    def _obey_server(self, tx: ServerTx, commands: Sequence[Command]) -> None:
        for command in commands:
            if command == Command.SEND:
                assert tx.data is not None
                self.send(tx.data, tx.destination)
            elif command == Command.REPEAT:
                if tx.data is not None:
                    self.counters["retransmissions_out"] += 1
                    self.send(tx.data, tx.destination)
            elif command == Command.ABSORB:
                self.absorb()
            elif command == Command.TIMED_OUT:
                self.counters["refusals_unacknowledged"] += 1
            elif command == Command.TERMINATED:
                self._forget_server(tx)
        self.timers.arm(tx)

    def _forget_client(self, tx: ClientTx) -> None:
        del self.clients[tx.key]
        there = self.by_destination[tx.request.destination]
        del there[tx.key]
        if not there:
            del self.by_destination[tx.request.destination]

    def _forget_server(self, tx: ServerTx) -> None:
        del self.servers[tx.key]
        if tx.merge_key is not None:
            self.merged.pop(tx.merge_key, None)
        host = tx.source[0]
        self.per_source[host] -= 1
        if not self.per_source[host]:
            del self.per_source[host]

    def server_machine(self, method: str, source: Hop, now: float) -> Transaction:
        """The kind of server transaction that a request from `source` runs in."""
        if source.transport in RELIABLE:
            return StreamInviteServer(now) if method == "INVITE" else StreamServer(now)
        return InviteServer(now) if method == "INVITE" else Server(now)

    def client_machine(self, request: Outgoing, now: float) -> Transaction:
        """The kind of client transaction that a request of ours runs in."""
        if request.destination.transport in RELIABLE:
            return StreamInviteClient(now) if request.method == "INVITE" else StreamClient(now)
        return InviteClient(now) if request.method == "INVITE" else Client(now)

    def is_open(self, tx: ServerTx) -> bool:
        """Whether the transaction still waits for a final response."""
        return tx.machine.state in (State.TRYING, State.PROCEEDING)
