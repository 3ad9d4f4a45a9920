"""How many challenges and failures a peer gets before it gets silence (RFC 7616 5.8: guessing must not be free).

Every address has credit. A challenge costs a little of it and a wrong proof much; credit comes back slowly, and all of
it with a right proof. Whoever has none left gets no challenge, and whoever has used it up with wrong proofs hears
nothing for a while, whatever it sends. Only proofs that answer a challenge of ours count as wrong ones: who sends
under the address of another does not see what that one is asked, and must not be able to silence it. Addresses that
have never proved anything share one more account, so that a flood from ever new addresses, which may all be forged,
costs us a bounded number of answers a second.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import Final

CREDIT_MAX: Final = 60.0
CHALLENGE_COST: Final = 1.0
FAILURE_COST: Final = 10.0
CREDIT_PER_S: Final = 1.0
SILENCE_S: Final = 300.0
SOURCES_MAX: Final = 10_000
"""Addresses that are kept an account of; the longest unused is forgotten first."""
STRANGERS_PER_S: Final = 200.0


class _Account:
    __slots__ = ("credit", "proved", "silent_until", "updated")

    def __init__(self, now: float) -> None:
        self.credit = CREDIT_MAX
        self.updated = now
        self.silent_until = now
        self.proved = False

    def at(self, now: float) -> float:
        return min(CREDIT_MAX, self.credit + (now - self.updated) * CREDIT_PER_S)

    def charge(self, cost: float, now: float) -> None:
        self.credit, self.updated = self.at(now) - cost, now


class Throttle:
    """Accounts by address. `now` is monotonic seconds."""

    def __init__(self, sources_max: int = SOURCES_MAX) -> None:
        self._sources_max = sources_max
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._shared = STRANGERS_PER_S
        self._shared_updated = 0.0

    def silent(self, host: str, now: float) -> bool:
        """Whether whatever `host` sends is to be dropped, because it has guessed too often."""
        account = self._accounts.get(_source(host))
        return account is not None and now < account.silent_until

    def may_ask(self, host: str, now: float) -> bool:
        """Whether `host` may get another challenge."""
        account = self._accounts.get(_source(host))
        if account is not None and account.at(now) < CHALLENGE_COST:
            return False
        return (account is not None and account.proved) or self._shared_credit(now) >= CHALLENGE_COST

    def challenged(self, host: str, now: float) -> None:
        """`host` gets a challenge."""
        account = self._account(host, now)
        if not account.proved:
            self._shared -= CHALLENGE_COST
        account.charge(CHALLENGE_COST, now)

    def failed(self, host: str, now: float) -> bool:
        """`host` has answered a challenge of ours wrongly; whether it hears nothing from now on."""
        account = self._account(host, now)
        account.charge(FAILURE_COST, now)
        if account.credit >= 0:
            return False
        account.silent_until = now + SILENCE_S
        account.credit, account.proved = CREDIT_MAX / 2, False
        return True

    def proved(self, host: str, now: float) -> None:
        """`host` has given a right proof."""
        account = self._account(host, now)
        account.credit, account.proved = CREDIT_MAX, True

    def _shared_credit(self, now: float) -> float:
        self._shared = min(STRANGERS_PER_S, self._shared + (now - self._shared_updated) * STRANGERS_PER_S)
        self._shared_updated = now
        return self._shared

    def _account(self, host: str, now: float) -> _Account:
        source = _source(host)
        account = self._accounts.get(source)
        if account is None:
            account = self._accounts[source] = _Account(now)
            if len(self._accounts) > self._sources_max:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(source)
        return account


def _source(host: str) -> str:
    """Whoever has one IPv6 address has the other 2**64 of its network as well."""
    if ":" not in host:
        return host
    address = ip_address(host)
    return str(IPv6Address(int(address) >> 64 << 64)) if isinstance(address, IPv6Address) else host
