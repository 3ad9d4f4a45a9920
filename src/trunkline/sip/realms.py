"""Which realms a password of ours is proved to.

Whoever chooses realm and nonce can guess the password from our answer at leisure, and behind a carrier that passes
refusals on that may be the party we call. So a login is proved only for what its own server has asked for first:

- a login with a `realm` to that one alone;
- a login that registers to what REGISTER was asked for, as that goes no further than the registrar;
- any other to the realms of the first challenge of a server, on a request that began outside of calls or in a call
  that we have made. One of a 401 and one of a 407 are taken for each server.

A realm is told from another by its name alone: registrars ask by 401 and proxies by 407 for the same one.
"""

from __future__ import annotations

from collections import OrderedDict

from trunkline.sip.digest import Challenge, Credentials
from trunkline.sip.legs import Leg
from trunkline.sip.requests import Outgoing

LOGINS_MAX = 1_000
"""Logins whose realms are remembered; the longest known is forgotten first."""
SERVERS_MAX = 64
"""Servers that are remembered for one of them."""

Server = tuple[str, int]  # host and port
Pins = dict[bool, str]  # the realm of a proxy's challenge (True) and of the server's own (False)


class Realms:
    """The realms of all logins of one endpoint."""

    def __init__(self) -> None:
        self._pins: OrderedDict[Credentials, OrderedDict[Server, Pins]] = OrderedDict()
        self._reported: OrderedDict[Credentials, None] = OrderedDict()

    def answerable(self, request: Outgoing, leg: Leg | None, challenges: list[Challenge]) -> list[Challenge]:
        """Those of `challenges` to a request with a login that may be answered; `leg` is the one it belongs to."""
        login = request.login
        assert login is not None
        if login.realm is not None:
            return [each for each in challenges if each.realm == login.realm]
        self._learn(login, request, leg, challenges)
        known = {realm for pins in self._pins.get(login, {}).values() for realm in pins.values()}
        return [each for each in challenges if each.realm in known]

    def _learn(self, login: Credentials, request: Outgoing, leg: Leg | None, challenges: list[Challenge]) -> None:
        server = request.destination[:2]
        pinned = login in self._pins and server in self._pins[login]
        if request.method != "REGISTER" and (login.registers or pinned or not _is_to_server(request, leg)):
            return
        asked: Pins = {}
        for each in challenges:
            asked.setdefault(each.proxy, each.realm)
        if not asked:
            return
        kept = self._pins.setdefault(login, OrderedDict())
        kept.setdefault(server, {}).update(asked)
        if len(kept) > SERVERS_MAX:
            kept.popitem(last=False)
        if len(self._pins) > LOGINS_MAX:
            self._pins.popitem(last=False)

    def reports(self, login: Credentials) -> bool:
        """Whether a challenge that is not answered is the first of its login, so that it is worth telling."""
        if login in self._reported:
            return False
        self._reported[login] = None
        if len(self._reported) > LOGINS_MAX:
            self._reported.popitem(last=False)
        return True


def _is_to_server(request: Outgoing, leg: Leg | None) -> bool:
    """Whether a request goes to its login's own server, and not on behalf of a caller or to where a Contact points."""
    if ";tag=" not in request.to_header:
        return True
    return leg is not None and leg.outgoing and request.destination[0] == leg.source[0]
