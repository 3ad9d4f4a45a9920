"""Stands before the SIP core where an address alone does not say whose a call is: some trunks prove it by password.

A trunk with `auth` and no `allow` may call from anywhere, so with such a trunk strangers are heard, but only their
INVITE and REGISTER outside of calls, and all they hear is a challenge. A trunk with both must prove itself from its own
addresses. What a peer sends in calls that it has proved, or that we have made, passes as that of any known host does.
Whoever guesses too long hears nothing any more (see `sip.throttle`).

Without a trunk with `auth` nothing here is asked.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk
from trunkline.sip.digest import Credentials
from trunkline.sip.digest_server import DigestServer, Verdict
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.hops import Hop
from trunkline.sip.message import Request, parse
from trunkline.sip.throttle import Throttle
from trunkline.sip.timers import TIMER_B

log = logging.getLogger("trunkline.sip")

ADMITTED_MAX: Final = 20_000
"""Requests with a proof that are remembered, for their repetitions and for whose calls they are."""
ADMITTED_S: Final = TIMER_B
"""For how long: nobody repeats a request for longer (RFC 3261 17.1.1.2, 17.1.2.2)."""
ASKED: Final = (b"INVITE ", b"REGISTER ")
"""Requests that are worth a challenge."""

STRONGEST_FIRST: Final = ("SHA-256", "MD5")
"""In the order in which they stand in a challenge that has both (RFC 8760 2.3)."""

_Key = tuple[str, str, str, str, str, int]  # host, branch, Call-ID, From tag, Request-URI, CSeq number


class Challenged(msgspec.Struct, frozen=True):
    """A request that gets 401 with these header lines."""

    request: Request
    lines: tuple[str, ...]


class Gate:
    """Who has to prove what. `use` names the trunks; `now` is monotonic seconds.

    `registered` says whether a request came by a registration of ours, which is proof enough.
    """

    def __init__(self, realm: str, entropy: Callable[[int], bytes], counters: Counter[str]) -> None:
        """`counters` counts what is turned away, by reason."""
        self.watching = False
        self.open = False
        self.registered: Callable[[str, Request], bool] = lambda host, request: False
        self._server = DigestServer(realm, entropy, offered=STRONGEST_FIRST)
        self._algorithms: dict[str, frozenset[str]] = {}
        self._throttle = Throttle()
        self._counters = counters
        self._admitted: OrderedDict[_Key, tuple[str, float]] = OrderedDict()  # the trunk, and when it was let in
        self._anywhere: frozenset[str] = frozenset()

    def use(self, platform: Platform, logins: Mapping[str, Credentials]) -> None:
        """Ask these trunks for these passwords from now on. `open` is whether strangers are heard at all."""
        proving = [trunk for trunk in platform.trunks if trunk.key in logins and not trunk.paused]
        self._server.use([logins[trunk.key] for trunk in proving])
        self._anywhere = frozenset(trunk.key for trunk in proving if not trunk.allow)
        self._algorithms = {trunk.key: frozenset(trunk.auth.algorithms) for trunk in proving if trunk.auth is not None}
        self.watching, self.open = bool(proving), bool(self._anywhere)

    def judge(self, data: bytes, source: Hop, now: float, trunk: Trunk | None, peer: bool) -> bool | Challenged:
        """Whether a message passes, or what it is answered with in place of that.

        `trunk` is the one whose `allow` names the host, `peer` whether it is one that we have sent to.
        """
        if trunk is not None and trunk.auth is None:
            return True
        known = trunk is not None or peer
        if not data.lstrip(b"\r\n").startswith(ASKED):  # line ends before a message are read over (7.5)
            return known or self._dropped("unknown_source")
        try:
            request = parse(data)
            if not isinstance(request, Request):
                return known
            key = _key(source.host, request)
            in_call = request.to.tag is not None
        except RemoteSipError:
            return known or self._dropped("unknown_source")
        before = self._admitted.get(key)
        if before is not None and now - before[1] < ADMITTED_S:
            return True
        if in_call:
            return known or self._dropped("unknown_source")
        if self.registered(source.host, request):
            return True
        if trunk is None and not self.open:
            return known or self._dropped("unknown_source")
        return self._ask(request, key, now, trunk)

    def _ask(self, request: Request, key: _Key, now: float, trunk: Trunk | None) -> bool | Challenged:
        host = key[0]
        if self._throttle.silent(host, now):
            return self._dropped("silenced")
        allowed = self._anywhere if trunk is None else frozenset({trunk.key})
        judged = self._server.judge(request, host, now, allowed.__contains__)
        if judged.name is not None and judged.algorithm in self._algorithms[judged.name]:
            self._throttle.proved(host, now)
            self._admitted[key] = (judged.name, now)
            if len(self._admitted) > ADMITTED_MAX:
                self._admitted.popitem(last=False)
            return True
        if judged.verdict in (Verdict.WRONG, Verdict.PROVED):
            self._counters["auth_failed"] += 1
            guessed = judged.asked or judged.verdict == Verdict.PROVED
            if guessed and self._throttle.failed(host, now):
                log.warning("%s has answered too often with a wrong password and hears nothing for some minutes", host)
                return False
        if not self._throttle.may_ask(host, now):
            return self._dropped("silenced")
        self._throttle.challenged(host, now)
        self._counters["auth_challenged"] += 1
        stale, offered = judged.verdict == Verdict.STALE, self._offered(allowed)
        return Challenged(request, tuple(self._server.challenges(host, now, stale=stale, offered=offered)))

    def _offered(self, trunks: frozenset[str]) -> frozenset[str]:
        """What all of the trunks take that it may be; when there is no such algorithm, what any of them takes."""
        taken = [self._algorithms[key] for key in trunks]
        return frozenset.intersection(*taken) or frozenset.union(*taken)

    def proved_by(self, host: str, request: Request) -> str | None:
        """The key of the trunk whose password a request has proved, None when it has proved none."""
        found = self._admitted.get(_key(host, request)) if self._admitted else None
        return None if found is None else found[0]

    def _dropped(self, reason: str) -> bool:
        self._counters[reason] += 1
        return False


def _key(host: str, request: Request) -> _Key:
    """What a request and its repetitions share, and nothing else does. Raises RemoteSipError(400) without it."""
    tag = request.from_.tag or ""
    return (host, request.via.branch, request.call_id, tag, request.uri, request.cseq.number)
