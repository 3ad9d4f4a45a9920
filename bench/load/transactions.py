"""Scripts that look at how a B2BUA handles transactions: what it repeats, absorbs, acknowledges, and when.

Each script plays a caller and a buyer by hand over UDP and gives what each of them saw, in short: `INVITE` or
`200 INVITE`. What repeats by a timer is counted within a time, so that two programs can be compared. All bytes are
written here: no SIP stack of ours takes part.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable
from itertools import count

from trunkline.testing.byhand import Message
from trunkline.testing.ports import HOST

WAIT_S = 3.0
REPEATS_S = 3.2
"""Long enough for repetitions after 0.5 and 1.5 s, but not for the one after 3.5 s (RFC 3261 17.1.1.2)."""
QUIET_S = 0.3

_serial = count(1)

SDP = (
    f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
)


class Unseen(Exception):
    """What a script waited for did not come."""


def name_of(message: Message) -> str:
    """`INVITE`, or `200 INVITE`."""
    return f"{message.status} {message.method}" if message.status else message.method


class Party:
    """A UDP socket that notes what it sees."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port: int = self.socket.getsockname()[1]
        self.saw: list[str] = []

    def receive(self, seconds: float = WAIT_S) -> Message | None:
        """The next message, None when none comes in time."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        message = Message(*self.socket.recvfrom(65_535))
        self.saw.append(name_of(message))
        return message

    def until(self, name: str, seconds: float = WAIT_S) -> Message:
        """The next message of that name, others before it noted. Raises Unseen."""
        deadline = time.monotonic() + seconds
        while (message := self.receive(max(0.0, deadline - time.monotonic()))) is not None:
            if name_of(message) == name:
                return message
        raise Unseen(f"waited for {name} in vain, saw {self.saw}")

    def collect(self, seconds: float = QUIET_S) -> None:
        """Note whatever comes within a time."""
        deadline = time.monotonic() + seconds
        while self.receive(max(0.0, deadline - time.monotonic())) is not None:
            pass

    def send(self, text: str, to: tuple[str, int]) -> None:
        self.socket.sendto(text.encode(), to)

    def close(self) -> None:
        self.socket.close()


class Caller(Party):
    """Calls the program under test."""

    def __init__(self, to: str, number: str) -> None:
        super().__init__()
        host, _, port = to.rpartition(":")
        self.to = (host, int(port))
        self.number = number
        self.serial = next(_serial)
        self.from_ = f"<sip:+1512{2_000_000 + self.serial}@{HOST}:{self.port}>;tag=c{self.serial}"
        self.remote = f"<sip:{number}@{to}>"
        self.target = f"sip:{number}@{to}"

    def _request(self, method: str, cseq: int, branch: str, body: str = "") -> str:
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {HOST}:{self.port};branch=z9hG4bK{branch}{self.serial}\r\n"
            f"From: {self.from_}\r\nTo: {self.remote}\r\nCall-ID: diff-{self.port}-{self.serial}@{HOST}\r\n"
            f"CSeq: {cseq} {method}\r\nContact: <sip:caller@{HOST}:{self.port}>\r\nMax-Forwards: 70\r\n"
            f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def invite(self) -> None:
        """Send the INVITE, each time the same."""
        self.send(self._request("INVITE", 1, "inv", SDP), self.to)

    def learn(self, answer: Message) -> None:
        """Take the dialog of a 2xx, or the tag of a refusal."""
        self.remote = answer["to"]
        contact = re.search(r"<([^>]+)>|(sips?:[^;\s]+)", answer["contact"])
        if contact is not None and 200 <= answer.status < 300:
            self.target = contact.group(1) or contact.group(2)

    def ack(self) -> None:
        """Acknowledge a 2xx, in a transaction of its own (RFC 3261 13.2.2.4)."""
        self.send(self._request("ACK", 1, "ack"), self.to)

    def ack_refusal(self) -> None:
        """Acknowledge a refusal, in the INVITE's transaction (17.1.1.3)."""
        self.send(self._request("ACK", 1, "inv"), self.to)

    def cancel(self) -> None:
        """Give the INVITE up."""
        self.send(self._request("CANCEL", 1, "inv"), self.to)

    def bye(self) -> None:
        """Hang up, each time with the same request."""
        self.send(self._request("BYE", 2, "bye"), self.to)


class Buyer(Party):
    """Is called by the program under test."""

    def __init__(self) -> None:
        super().__init__()
        self.tag = f"b{next(_serial)}"

    def answer(self, request: Message, status: int, body: str = "") -> None:
        """Answer a request."""
        to = request["to"]
        if ";tag=" not in to:
            to += f";tag={self.tag}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        kept = [("Via", value) for value in request.all("via")]
        kept += [("Record-Route", value) for value in request.all("record-route")]
        vias = "\r\n".join(f"{name}: {value}" for name, value in kept)
        self.send(
            f"SIP/2.0 {status} Said\r\n{vias}\r\nFrom: {request['from']}\r\nTo: {to}\r\n"
            f"Call-ID: {request['call-id']}\r\nCSeq: {request['cseq']}\r\n"
            f"Contact: <sip:buyer@{HOST}:{self.port}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}",
            request.source,
        )


Script = Callable[[Caller, Buyer], None]


def connect(caller: Caller, buyer: Buyer) -> Message:
    """Up to the moment at which both sides talk; the buyer's INVITE."""
    caller.invite()
    invited = buyer.until("INVITE")
    buyer.answer(invited, 180)
    buyer.answer(invited, 200, SDP)
    caller.learn(caller.until("200 INVITE"))
    caller.ack()
    buyer.until("ACK")
    return invited


def hang_up(caller: Caller, buyer: Buyer) -> None:
    """The caller's goodbye, to its end."""
    caller.bye()
    caller.until("200 BYE")
    buyer.answer(buyer.until("BYE"), 200)


def invite_again_while_ringing(caller: Caller, buyer: Buyer) -> None:
    """A repeated INVITE is absorbed and its last response sent again; nobody is dialled twice (17.2.1)."""
    caller.invite()
    invited = buyer.until("INVITE")
    buyer.answer(invited, 180)
    caller.until("180 INVITE")
    caller.saw.clear()
    caller.invite()
    caller.until("180 INVITE")
    buyer.collect()
    buyer.answer(invited, 486)
    buyer.until("ACK")
    refusal = caller.receive()
    while refusal is not None and refusal.status < 400:
        refusal = caller.receive()
    if refusal is None:
        raise Unseen("no refusal")
    caller.saw[-1] = "refusal"
    caller.learn(refusal)
    caller.ack_refusal()


def invite_again_after_200(caller: Caller, buyer: Buyer) -> None:
    """A repeated INVITE after the 200 gets the 200 again (RFC 6026 7.1)."""
    caller.invite()
    invited = buyer.until("INVITE")
    buyer.answer(invited, 200, SDP)
    caller.learn(caller.until("200 INVITE"))
    caller.saw.clear()
    caller.invite()
    caller.until("200 INVITE")
    caller.ack()
    buyer.collect()
    hang_up(caller, buyer)


def lost_ack(caller: Caller, buyer: Buyer) -> None:
    """The 200 is repeated after half a second and a second until its ACK comes (13.3.1.4)."""
    caller.invite()
    invited = buyer.until("INVITE")
    buyer.answer(invited, 200, SDP)
    caller.learn(caller.until("200 INVITE"))
    caller.saw.clear()
    caller.collect(REPEATS_S)
    caller.ack()
    caller.collect()
    hang_up(caller, buyer)


def answer_again(caller: Caller, buyer: Buyer) -> None:
    """A buyer that repeats its 200 gets the ACK again (13.2.2.4)."""
    invited = connect(caller, buyer)
    buyer.saw.clear()
    buyer.answer(invited, 200, SDP)
    buyer.until("ACK")
    hang_up(caller, buyer)


def refuse_again(caller: Caller, buyer: Buyer) -> None:
    """A buyer that repeats its refusal gets the ACK again (17.1.1.2)."""
    caller.invite()
    invited = buyer.until("INVITE")
    buyer.answer(invited, 486)
    buyer.until("ACK")
    buyer.answer(invited, 486)
    buyer.until("ACK")


def refusal_repeats(caller: Caller, buyer: Buyer) -> None:
    """A refusal is repeated until its ACK, then no more (17.2.1)."""
    caller.invite()
    buyer.answer(buyer.until("INVITE"), 486)
    buyer.until("ACK")
    caller.collect(REPEATS_S)
    caller.saw = ["refusal" if name[0] in "456" else name for name in caller.saw if not name.startswith("1")]
    caller.remote += ";tag=any"
    caller.ack_refusal()


def bye_again(caller: Caller, buyer: Buyer) -> None:
    """A repeated BYE gets its 200 again; the buyer is told once (17.2.2)."""
    connect(caller, buyer)
    hang_up(caller, buyer)
    caller.saw.clear()
    caller.bye()
    caller.until("200 BYE")
    buyer.collect()


def bye_unanswered(caller: Caller, buyer: Buyer) -> None:
    """A BYE of which nothing is heard is repeated, the interval doubling (17.1.2.2)."""
    connect(caller, buyer)
    buyer.saw.clear()
    caller.bye()
    caller.until("200 BYE")
    buyer.until("BYE")
    buyer.collect(REPEATS_S)


def cancel_while_ringing(caller: Caller, buyer: Buyer) -> None:
    """CANCEL gets 200, the INVITE 487; a repeated CANCEL its 200 again; the buyer one CANCEL (9.2)."""
    caller.invite()
    invited = buyer.until("INVITE")
    buyer.answer(invited, 180)
    caller.until("180 INVITE")
    caller.saw.clear()
    caller.cancel()
    caller.learn(caller.until("487 INVITE"))
    caller.saw.sort()
    caller.ack_refusal()
    cancelled = buyer.until("CANCEL")
    buyer.answer(cancelled, 200)
    buyer.answer(invited, 487)
    buyer.until("ACK")
    caller.cancel()
    caller.until("200 CANCEL")
    buyer.collect()


def answer_crosses_cancel(caller: Caller, buyer: Buyer) -> None:
    """A 200 that crosses the CANCEL is acknowledged and hung up (RFC 3261 9.1, 15)."""
    caller.invite()
    invited = buyer.until("INVITE")
    buyer.answer(invited, 180)
    caller.until("180 INVITE")
    caller.cancel()
    caller.learn(caller.until("487 INVITE"))
    caller.ack_refusal()
    cancelled = buyer.until("CANCEL")
    buyer.answer(cancelled, 481)
    buyer.answer(invited, 200, SDP)
    for _ in range(2):
        message = buyer.receive()
        if message is not None and message.method == "BYE" and not message.status:
            buyer.answer(message, 200)


def silent_buyer(caller: Caller, buyer: Buyer) -> None:
    """An INVITE of which nothing is heard is repeated, the interval doubling (17.1.1.2)."""
    caller.invite()
    buyer.until("INVITE")
    buyer.collect(REPEATS_S)
    caller.cancel()
    caller.collect()


SCRIPTS: tuple[Script, ...] = (
    invite_again_while_ringing,
    invite_again_after_200,
    lost_ack,
    answer_again,
    refuse_again,
    refusal_repeats,
    bye_again,
    bye_unanswered,
    cancel_while_ringing,
    answer_crosses_cancel,
    silent_buyer,
)


class Seen(dict[str, object]):
    """What the two saw, or what a script waited for in vain."""


def play(script: Script, sip: str, number: str, buyer: Buyer) -> Seen:
    """Play one script against the program at `sip` (host:port), which sells to `buyer`."""
    caller = Caller(sip, number)
    try:
        script(caller, buyer)
    except Unseen as error:
        return Seen(failed=str(error))
    finally:
        caller.close()
    return Seen(caller=[name for name in caller.saw if name != "100 INVITE"], buyer=buyer.saw)
