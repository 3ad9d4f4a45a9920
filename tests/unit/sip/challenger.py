"""A called side that asks for proofs before its endpoint hears of a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.unit.sip.wire import ANSWER, CALLED, CALLER, Node, Wire, first_word, request, seeded

from trunkline.sip.digest import Credentials
from trunkline.sip.digest_server import DigestServer, Verdict
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.events import Incoming, Reoffered, SipEvent
from trunkline.sip.hops import Hop
from trunkline.sip.message import Request, parse

LOGIN = Credentials("carrier", 'ac"me\\', "s3cret")


class Challenger(Node):
    """Challenges the `methods` outside and inside calls, as a proxy (407) or as the called side (401)."""

    def __init__(
        self,
        address: Hop,
        seed: int,
        *methods: str,
        proxy: bool = False,
        offered: tuple[str, ...] = ("SHA-256", "MD5"),
        nonce_life_s: float = 3600.0,
        rewrite: Callable[[str], str] = str,
    ) -> None:
        super().__init__(address, seed)
        self.methods = methods
        self.proxy = proxy
        self.rewrite = rewrite
        self.asked: Counter[str] = Counter()
        self.verdicts: list[tuple[str, Verdict]] = []
        self.server = DigestServer("here", seeded(seed), offered=offered, nonce_life_s=nonce_life_s)
        self.server.use([LOGIN])
        self._answered: set[tuple[str, str]] = set()
        self._receive = self.sip.receive
        self.sip.receive = self.receive  # type: ignore[method-assign]

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        """What the wire delivers."""
        try:
            message = parse(data)
        except RemoteSipError:
            return
        if not isinstance(message, Request) or message.method not in self.methods:
            self._receive(data, source, now)
            return
        key = (message.via.branch, message.method)
        if key in self._answered:
            self._receive(data, source, now)  # a repetition of what was let through
            return
        judged = self.server.judge(self._as_own(message), source[0], now, lambda name: True)
        self.verdicts.append((message.method, judged.verdict))
        if judged.verdict == Verdict.PROVED:
            self._answered.add(key)
            self._receive(data, source, now)
            return
        self.asked[message.method] += 1
        lines = self.server.challenges(source[0], now, stale=judged.verdict == Verdict.STALE)
        lines = [self.rewrite(line) for line in lines]
        if self.proxy:
            lines = [line.replace("WWW-", "Proxy-") for line in lines]
        self.sip._core.refuse(message, source, 407 if self.proxy else 401, "asked", lines)

    def _as_own(self, request: Request) -> Request:
        """A proxy's proofs are judged as if they were for the called side."""
        if not self.proxy:
            return request
        headers = [(name.replace("Proxy-Authorization", "Authorization"), value) for name, value in request.headers]
        return Request(request.method, request.uri, headers, request.body)


EVERYTHING = ("INVITE", "BYE", "INFO", "UPDATE")


def asking(*methods: str, proxy: bool = False, **wire: float) -> tuple[Wire, Node, Challenger]:
    """A caller and a called side that challenges these methods, and answers what it lets through."""
    caller, called = Node(CALLER, 1), Challenger(CALLED, 2, *methods, proxy=proxy)
    called.act = lambda event, now: answer(called, event, now)
    return Wire(caller, called, **wire), caller, called  # type: ignore[arg-type]


def answer(called: Node, event: SipEvent, now: float) -> None:
    """Answer calls and new offers."""
    if isinstance(event, Incoming):
        called.sip.trying(event.leg, now)
        called.sip.answer(event.leg, ANSWER, now)
    elif isinstance(event, Reoffered):
        called.sip.reanswer(event.leg, ANSWER, now)


def put_before(called: Challenger, realm: str) -> Challenger:
    """A proxy that challenges INVITEs for `realm` at the address of `called`, which gets what it lets through."""
    proxy = Challenger(Hop("192.0.2.3", 5060), 3, "INVITE", proxy=True)
    proxy.server.realm = realm
    proxy.server.use([LOGIN])
    called.act = lambda event, now: answer(called, event, now)
    behind = called.receive

    def in_between(data: bytes, source: Hop, now: float) -> None:
        verdicts = len(proxy.verdicts)
        proxy.receive(data, source, now)
        if len(proxy.verdicts) == verdicts or proxy.verdicts[-1][1] == Verdict.PROVED:
            proxy.sip.datagrams(), proxy.sip.events()
            behind(data, source, now)
        else:
            called.sip._core.outbox += proxy.sip.datagrams()

    called.sip.receive = in_between  # type: ignore[method-assign]
    return proxy


def requests(net: Wire, method: str, source: Hop = CALLER) -> list[Request]:
    """The requests of one method that a node has sent."""
    return [request(sent.data) for _, by, sent in net.sent if by == source and first_word(sent.data) == method]
