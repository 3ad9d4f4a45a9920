"""Questions about a configuration: who would be offered this caller, and why nobody else would.

`trunkline explain` and scenario files ask with it. A question is what the flags of `explain` say; the answer comes from
the router that the switch asks. Nothing is called, reserved or stored.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import AccountConfig, Kind, Number, Snapshot
from trunkline.engine.geo.overlay import NO_OVERLAY, Overlay
from trunkline.engine.lists.table import ContactList
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.duplicates import ANONYMOUS
from trunkline.engine.routing.explain import Explanation
from trunkline.engine.routing.facts import Facts, changed
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.routing.router import Router, compile_router
from trunkline.engine.scoring.rate_book import NO_RATES, RateBook
from trunkline.kernel.clock import Instant
from trunkline.kernel.errors import UsageError
from trunkline.kernel.leases import Usage
from trunkline.kernel.phone import ANONYMOUS_NAMES, parse_caller
from trunkline.switch.list_files import lists_of
from trunkline.testing.asking_flags import (
    SEED_MAX,
    read_attributes,
    read_bids,
    read_facts,
    read_instant,
    read_penalties,
    read_scores,
    read_seen,
    read_usage,
)

_COUNTRY_DEFAULT: Final = "US"

Texts = str | tuple[str, ...]
"""A flag that may be repeated: one value or several."""


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"caller": "from"}):
    """The flags of `explain` with their texts, as docs/reference/explain.md has them."""

    to: str | None = None
    caller: str | None = None
    campaign: str | None = None
    kind: str = Kind.CALL.value
    at: str | None = None
    seed: str | int = "0"
    attr: Texts = ()
    live: Texts = ()
    used: Texts = ()
    funds: Texts = ()
    last: Texts = ()
    down: Texts = ()
    seen: Texts = ()
    listed: Texts = ()
    bid: Texts = ()
    score: Texts = ()
    penalty: Texts = ()


class Asked(NamedTuple):
    """A question made ready: the router, what it is asked, and what is stated of capacity and facts."""

    router: Router
    query: Query
    usage: Usage
    facts: Facts


def question_of(fields: Any) -> Question:
    """The question with these flags as keys. Raises UsageError naming what cannot be read."""
    try:
        return msgspec.convert(fields, Question)
    except msgspec.ValidationError as error:
        keys = ", ".join(field.encode_name for field in msgspec.structs.fields(Question))
        raise UsageError(f"this is no question: {error}", hint=f"the flags of explain are its keys: {keys}") from error


class Oracle:
    """Answers questions about one configuration. Accounts are compiled when they are first asked about."""

    def __init__(
        self, snapshot: Snapshot, overlay: Overlay = NO_OVERLAY, rates: Mapping[str, RateBook] | None = None
    ) -> None:
        """`overlay` is what is imported of the numbering plan, `rates` are the books to decide by, by account."""
        self._snapshot = snapshot
        self._overlay = overlay
        self._rates = rates or {}
        self._file_lists: dict[str, dict[str, ContactList]] | None = None
        self._accounts: dict[str, tuple[AccountIndex, Router]] = {}
        self._numbers = {number.number: (config, number) for config in snapshot.accounts for number in config.numbers}

    def ask(self, question: Question) -> tuple[Explanation, Query]:
        """The answer, and what the router was asked. Raises UsageError for what cannot be read or is not there."""
        asked = self.prepare(question)
        return asked.router.explain(asked.query, asked.usage, asked.facts), asked.query

    def prepare(self, question: Question) -> Asked:
        """What the router is to be asked. Raises UsageError as `ask` does."""
        config, number, campaign = self._destination(question)
        index, router = self._compiled(config)
        utc_ms = read_instant(question.at) if question.at is not None else time.time_ns() // 1_000_000
        stated_texts, missing = read_attributes(_texts(question.attr))
        stated = {name: Attribute(text, "stated") for name, text in stated_texts.items()}
        kind = _kind(question.kind)
        caller = _caller(question.caller)
        if kind is Kind.LEAD:
            caller = _from_fields(index, campaign, stated, caller)
            missing |= frozenset() if caller is not None else {ANONYMOUS}  # a lead without a number withholds none
        publisher, source = ("", None) if number is None else (number.publisher, number.source)
        history = read_seen(_texts(question.seen), campaign, index)
        repeat = True if history else None
        origin = router.origin(
            caller, publisher, source, None if number is None else number.number, repeat, overlay=self._overlay
        )
        query = Query(
            account=config.account.key,
            kind=kind,
            campaign=campaign,
            publisher=publisher,
            source=source,
            number=None if number is None else number.number,
            attributes=derive(origin, stated, utc_ms, missing),
            now=Instant(0, utc_ms),
            seed=_seed(str(question.seed)),
            history=history,
            bids=read_bids(_texts(question.bid), index),
            scores=read_scores(_texts(question.score), index),
            geo=self._overlay.version,
        )
        live, used, funds, last = map(_texts, (question.live, question.used, question.funds, question.last))
        usage = read_usage(live, used, funds, last, utc_ms, index)
        lists = self._lists().get(config.account.key, {})
        facts = read_facts(_texts(question.down), _texts(question.listed), caller, lists, index)
        penalties = read_penalties(_texts(question.penalty), index)
        facts = changed(facts, rates=self._rates.get(config.account.key, NO_RATES), penalties=penalties)
        return Asked(router, query, usage, facts)

    def _lists(self) -> dict[str, dict[str, ContactList]]:
        """The lists that the configuration reads from files. Raises ListUnusable."""
        if self._file_lists is None:
            self._file_lists = lists_of(self._snapshot, None)
        return self._file_lists

    def _compiled(self, config: AccountConfig) -> tuple[AccountIndex, Router]:
        key = config.account.key
        known = self._accounts.get(key)
        if known is None:
            router = compile_router(config, self._snapshot.platform, self._snapshot.digest)
            known = self._accounts[key] = (AccountIndex(config), router)
        return known

    def _destination(self, question: Question) -> tuple[AccountConfig, Number | None, str]:
        """The account, tracking number and campaign that are asked about."""
        if (question.to is None) == (question.campaign is None):
            raise UsageError("say where the caller comes in", hint="either --to NUMBER, or --campaign KEY --kind lead")
        if question.to is not None:
            found = self._numbers.get(parse_caller(question.to, _COUNTRY_DEFAULT).number or "")
            if found is None:
                raise UsageError(
                    f"--to {question.to}: no such tracking number is configured",
                    hint="the configuration lists them under `numbers`",
                )
            return found[0], found[1], found[1].campaign
        wanted = question.campaign or ""
        holders = [
            config for config in self._snapshot.accounts if wanted in {campaign.key for campaign in config.campaigns}
        ]
        if not holders:
            raise UsageError(f"--campaign {wanted}: there is no such campaign")
        if len(holders) > 1:
            keys = ", ".join(config.account.key for config in holders)
            raise UsageError(f"--campaign {wanted}: several accounts have one: {keys}", hint="name one account file")
        return holders[0], None, wanted


def _texts(value: Texts) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError as error:
        raise UsageError(f"--kind {text}: there is no such kind", hint="call or lead") from error


def _caller(text: str | None) -> str | None:
    if text is None:
        return None
    caller = parse_caller(text, _COUNTRY_DEFAULT)
    if caller.number is None and text.strip().lower() not in ANONYMOUS_NAMES:
        raise UsageError(f"--from {text}: this is no phone number", hint="write it as +15125550100, or anonymous")
    return caller.number


def _from_fields(index: AccountIndex, campaign: str, stated: dict[str, Attribute], caller: str | None) -> str | None:
    """What a lead's fields say beyond themselves: the first phone is its caller number; a ZIP code, a state."""
    for field in index.campaigns[campaign].lead_fields:
        value = stated.get(f"lead.{field.name}")
        if value is None:
            continue
        if field.type == "phone" and caller is None:
            caller = _caller(value.value)
        if field.type in {"zip", "state"}:
            stated.setdefault(f"geo.{field.type}", value)
    return caller


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > SEED_MAX:
        raise UsageError(f"--seed {text}: this is no seed", hint=f"write a whole number up to {SEED_MAX}")
    return int(text)
