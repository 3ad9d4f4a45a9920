"""What a ping asks, made into the question that routing is asked: the same as for the lead or call that may follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from trunkline.config.schema import Number
from trunkline.engine.geo.places import five_digits
from trunkline.engine.geo.regions import state_of
from trunkline.engine.leads.consent import consent_attributes
from trunkline.engine.leads.field_codes import FIELD_CODES, FieldCode
from trunkline.engine.leads.form import STATED, FieldError
from trunkline.engine.leads.hints import Asked, said_of
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.events.contacts import Seen
from trunkline.events.sealing import contact_hash
from trunkline.kernel.clock import iso
from trunkline.kernel.phone import parse_number
from trunkline.switch.pings.book import hashed

if TYPE_CHECKING:
    from trunkline.events.pings import PingKind
    from trunkline.kernel.clock import Instant
    from trunkline.switch.pings.tokens import Tokens
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

NO_CALLER: Final = frozenset({"caller.anonymous"})
"""Nobody withholds a number by not telling it yet."""
FACTS_MAX: Final = 50
FACT_CHARS_MAX: Final = 200
_FACT: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_HOME: Final = "US"
_DAY_CHARS: Final = len("2026-11-23")
_NUMBER: Final = "caller.number"
_BEGINS: Final = "caller.begins"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One ping. `contact` is what it is sealed under, `known` whether that is whose it is; `repeat` a digest of all it
    says, `said` those of its fields.

    Of a call, `number` is where it would be sent, `caller` by what name it is known when it comes, `facts` what the
    publisher states of it.
    """

    ping: str
    kind: PingKind
    query: Query
    contact: str
    known: bool
    repeat: str
    said: dict[str, str] = {}
    caller: str | None = None
    number: str | None = None
    facts: dict[str, str] = {}
    test: bool = False


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a ping says of a caller: the number, or its SHA-256 sum (hex), its beginning, and what else is known."""

    number: str | None
    sha256: str | None
    prefix: str | None
    stated: Mapping[str, Attribute]


def read_facts(
    caller: str | None, sha256: str | None, prefix: str | None, facts: Mapping[str, Any]
) -> CallFacts | tuple[FieldError, ...]:
    """What a publisher says of a caller, or what is wrong with it. `facts` are `zip`, `state` and tags by name."""
    errors: list[FieldError] = []
    number = None if caller is None else parse_number(caller, _HOME)
    if caller is not None and number is None:
        errors.append(_error("caller", FieldCode.PHONE_INVALID))
    if sha256 is not None and _SHA256.fullmatch(sha256) is None:
        errors.append(_error("caller_sha256", FieldCode.HASH_INVALID))
    if caller is None and sha256 is None:
        errors.append(_error("caller", FieldCode.REQUIRED))
    begins = None if prefix is None else "+" + re.sub(r"[^0-9]", "", prefix)
    if begins is not None and not 2 <= len(begins) <= 15:
        errors.append(_error("caller_prefix", FieldCode.PREFIX_INVALID))
    if len(facts) > FACTS_MAX:
        errors.append(_error("", FieldCode.TOO_MANY_FIELDS))
        facts = {}
    stated: dict[str, Attribute] = {}
    for name, value in facts.items():
        read = _fact(name, value)
        if isinstance(read, FieldCode):
            errors.append(_error(name[:FACT_CHARS_MAX], read))
        elif read is not None:
            stated[read[0]] = Attribute(read[1], STATED)
    if errors:
        return tuple(errors)
    return CallFacts(number=number, sha256=None if sha256 is None else sha256.lower(), prefix=begins, stated=stated)


def ask_of_lead(
    plant: Plant,
    world: World,
    tokens: Tokens,
    asked: Asked,
    consent: Mapping[str, str],
    asking: Query,
    now: Instant,
    *,
    test: bool = False,
) -> Question:
    """The question of a lead; `asking` says for whom, all but what is known of the lead and its consent."""
    form = world.form(asking.account, asking.campaign)
    values = asked.filled.values
    phone = form.phone(values)
    stated = form.attributes(values) | consent_attributes(consent)
    known = _known(plant, world, asking, phone, asked.prefix, stated, now)
    address = phone or (form.email(values) or "").lower()
    ping = plant.ids.make("ping", now.utc_ms)
    contact = contact_hash(plant.contact_secret, asking.account, address or _anybody(now))
    history = _history(plant, world, asking.account, contact) if address else ()
    said = said_of(asked, tokens.digest)
    told = (*sorted(said.items()), *((f"consent.{name}", text) for name, text in sorted(consent.items())))
    kind = "test" if test else "lead"
    repeat = tokens.digest(kind, asking.campaign, asking.source or "", *(f"{name}={text}" for name, text in told))
    query = msgspec.structs.replace(asking, attributes=known, history=history)
    return Question(
        ping=ping, kind="lead", query=query, contact=contact, known=bool(address), repeat=repeat, said=said, test=test
    )


def ask_of_call(
    plant: Plant, world: World, tokens: Tokens, facts: CallFacts, asking: Query, number: Number, now: Instant
) -> Question:
    """The question of a call that would be sent to `number`."""
    ping = plant.ids.make("ping", now.utc_ms)
    contact = contact_hash(plant.contact_secret, asking.account, facts.number or _anybody(now))
    caller = contact
    if facts.number is None:
        assert facts.sha256 is not None, "a caller is told by number or by sum"
        caller = hashed(facts.sha256)
    query = known_of_call(plant, world, asking, facts, contact, now)
    stated = sorted(f"{name}={each.value}" for name, each in facts.stated.items())
    repeat = tokens.digest("call", asking.campaign, asking.source or "", caller, facts.prefix or "", *stated)
    return Question(
        ping=ping,
        kind="call",
        query=query,
        contact=contact,
        known=facts.number is not None,
        repeat=repeat,
        caller=caller,
        number=number.number,
        facts=facts_kept(facts),
    )


def facts_kept(facts: CallFacts) -> dict[str, str]:
    """What is remembered of a caller; `facts_again` reads it."""
    told = {_NUMBER: facts.number, _BEGINS: facts.prefix}
    kept = {name: value for name, value in told.items() if value is not None}
    return kept | {name: each.value for name, each in facts.stated.items()}


def facts_again(kept: Mapping[str, str]) -> CallFacts:
    """What was told of a caller, but for a sum of its number."""
    stated = {name: Attribute(value, STATED) for name, value in kept.items() if name not in {_NUMBER, _BEGINS}}
    return CallFacts(number=kept.get(_NUMBER), sha256=None, prefix=kept.get(_BEGINS), stated=stated)


def known_of_call(plant: Plant, world: World, asking: Query, facts: CallFacts, contact: str, now: Instant) -> Query:
    """`asking`, with all that is known of a caller."""
    known = _known(plant, world, asking, facts.number, facts.prefix, facts.stated, now)
    history = _history(plant, world, asking.account, contact) if facts.number is not None else ()
    return msgspec.structs.replace(asking, attributes=known, history=history)


def _known(
    plant: Plant,
    world: World,
    asking: Query,
    phone: str | None,
    prefix: str | None,
    stated: Mapping[str, Attribute],
    now: Instant,
) -> dict[str, Attribute]:
    origin = world.routers[asking.account].origin(
        phone, asking.publisher, asking.source, asking.number, None, None, plant.geo.overlay, prefix
    )
    return derive(origin, stated, now.utc_ms, NO_CALLER if phone is None else frozenset())


def _history(plant: Plant, world: World, account: str, contact: str) -> tuple[Seen, ...]:
    """What happened with the contact before, where rules of the account ask for it."""
    return plant.histories.of(account, contact) if account in world.contact_events else ()


def is_fact(name: str) -> bool:
    """Whether something may be stated of a caller by this name."""
    return _FACT.fullmatch(name) is not None


def _anybody(now: Instant) -> str:
    """What stands for the number of those whose number is not told: one key a day seals what is said of them."""
    return f"pings of {iso(now.utc_ms)[:_DAY_CHARS]}"


def _fact(name: str, value: Any) -> tuple[str, str] | FieldCode | None:
    """The attribute that a fact is, with its value; None for one that says nothing."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    text = str(value).strip() if isinstance(value, str | int) else None
    if text is None or not is_fact(name):
        return FieldCode.NOT_A_VALUE
    if len(text) > FACT_CHARS_MAX:
        return FieldCode.TOO_LONG
    if not text.isprintable():
        return FieldCode.CONTROL_CHARACTERS
    if not text:
        return None
    if name == "zip":
        digits = five_digits(text)
        return FieldCode.ZIP_INVALID if digits is None else ("geo.zip", digits)
    if name == "state":
        state = state_of(text)
        return FieldCode.STATE_UNKNOWN if state is None else ("geo.state", state)
    return ("caller.language" if name == "language" else f"tag.{name}", text)


def _error(field: str, code: FieldCode) -> FieldError:
    return FieldError(field, code.value, FIELD_CODES[code])
