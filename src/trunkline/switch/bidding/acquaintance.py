"""What is known of one bidder: whether it lives, how long it takes, how many requests to it are open."""

from __future__ import annotations

from trunkline.config.schema import Bid as BidSettings
from trunkline.config.secrets import Secrets
from trunkline.engine.bidders.breaker import Breaker, Command, Event, State
from trunkline.engine.bidders.latencies import Latencies


class Acquaintance:
    """One target that bids. Times are seconds of the loop's clock."""

    __slots__ = ("_filled", "breaker", "latencies", "open")

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.latencies = Latencies()
        self.open = 0
        self._filled: tuple[Secrets, BidSettings, BidSettings] | None = None

    def with_secrets(self, settings: BidSettings, secrets: Secrets) -> BidSettings:
        """The settings as they are used; found out once, because every ping needs them."""
        filled = self._filled
        if filled is None or filled[0] is not secrets or filled[1] is not settings:
            filled = self._filled = (secrets, settings, secrets.of(settings))
        return filled[2]

    def refusal(self, settings: BidSettings) -> str | None:
        """Why it is not to be asked now, None when it is."""
        if not self.breaker.lets:
            probing = self.breaker.state is State.HALF
            return "it is being tried whether it answers again" if probing else f"it fails: {self.breaker.reason}"
        if settings.concurrency is not None and self.open >= settings.concurrency:
            return f"{self.open} requests to it are open, as many as it may have"
        return None

    def adaptive_ms(self, settings: BidSettings) -> int | None:
        """How long it is worth waiting for, None where only its own timeout says."""
        return self.latencies.adaptive_ms(settings.timeout_ms) if settings.adaptive else None

    def asked(self, now_s: float) -> None:
        """A request to it is open."""
        self.open += 1
        self.breaker.handle(Event.ASKED, now_s)

    def closed(self) -> None:
        """A request to it is over, however."""
        self.open -= 1

    def tell(self, event: Event, now_s: float, reason: str = "") -> list[Command]:
        """Something has come of a request; what changes by it."""
        return self.breaker.handle(event, now_s, reason)
