"""Reads the values of explain's flags. Whatever cannot be read is a `UsageError` that says what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from trunkline.config.lookup import AccountIndex
from trunkline.config.scalars import BadText, read_share
from trunkline.engine.lists.reading import pack_list
from trunkline.engine.lists.table import ContactList
from trunkline.engine.routing.auction import Answered, Bid
from trunkline.engine.routing.explain import StatedUsage
from trunkline.engine.routing.facts import Facts, facts_of
from trunkline.engine.routing.reasons import LIMIT_LEVELS
from trunkline.engine.scoring.rate_book import RateBook, Rates, check_rates
from trunkline.events.contacts import CONTACT_EVENTS, Seen
from trunkline.kernel.errors import UsageError
from trunkline.kernel.money import Money, parse_money
from trunkline.kernel.windows import Per

_NO_BIDS: Final[dict[str, Answered]] = {"none": "no_bid", "timeout": "timeout"}
COUNTED = ("attempt", "connect", "convert", "spend")
STATUSES = ("wrap_up", "auto_paused", "away")
SEED_MAX = 2**63 - 1
YEAR_MAX = 2200

_ATTRIBUTE = re.compile(r"[a-z]+\.[A-Za-z0-9_][A-Za-z0-9_-]*")
_COUNT = re.compile(r"[0-9]{1,15}")


def read_instant(text: str, flag: str = "--at") -> int:
    """`2026-11-23T10:00:00-05:00` as UTC milliseconds; a time without an offset is refused. `flag` has said it."""
    hint = "write it as 2026-11-23T10:00:00-05:00 or 2026-11-23T15:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{flag} {text}: this is no ISO 8601 time", hint=hint) from error
    if moment.tzinfo is None:
        raise UsageError(f"{flag} {text}: the offset is missing, and no zone is assumed", hint=hint)
    if not 1970 <= moment.year <= YEAR_MAX:
        raise UsageError(f"{flag} {text}: years from 1970 to {YEAR_MAX} are understood", hint=hint)
    return int(moment.timestamp() * 1000)


def read_attributes(items: Iterable[str]) -> tuple[dict[str, str], frozenset[str]]:
    """`k=v` as what is stated, and `k=` as what is missing."""
    stated: dict[str, str] = {}
    missing: set[str] = set()
    for item in items:
        name, equals, value = item.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or _ATTRIBUTE.fullmatch(name) is None:
            raise UsageError(f"--attr {item}: this is no attribute", hint="write --attr geo.state=TX")
        stated.pop(name, None)
        missing.discard(name)
        if value:
            stated[name] = value
        else:
            missing.add(name)
    return stated, frozenset(missing)


def read_usage(
    live: Iterable[str],
    used: Iterable[str],
    funds: Iterable[str],
    last: Iterable[str],
    utc_ms: int,
    index: AccountIndex,
) -> StatedUsage:
    """`--live LEVEL/KEY=N`, `--used LEVEL/KEY:MEASURE:PER=N`, `--funds BUYER=AMOUNT`, `--last LEVEL/KEY=SECONDS`."""
    return StatedUsage(
        dict(_live(item, index) for item in live),
        dict(_used(item, index) for item in used),
        dict(_funds(item, index) for item in funds),
        dict(_last(item, utc_ms, index) for item in last),
    )


def read_facts(
    down: Iterable[str],
    listed: Iterable[str],
    caller: str | None,
    lists: Mapping[str, ContactList],
    index: AccountIndex,
) -> Facts:
    """The facts of a switch that finds the targets of `--down TARGET[=STATUS]` out of service, away or the like.

    With `--listed LIST` the caller (E.164, or None) is on that list, with `--listed LIST=no` it is not; other `lists`
    are as they are.
    """
    out: list[str] = []
    unavailable: dict[str, str] = {}
    for item in down:
        target, equals, status = item.partition("=")
        if target not in index.targets:
            raise UsageError(f"--down {item}: there is no such target", hint=_names(index.targets))
        if equals and status not in STATUSES:
            raise UsageError(f"--down {item}: {status!r} is no status", hint=f"one of {', '.join(STATUSES)}")
        if equals:
            unavailable[target] = status
        else:
            out.append(target)
    on = {**lists, **dict(_listed(item, caller, index) for item in listed)}
    return facts_of(out, lists=on, unavailable=unavailable)


def _listed(item: str, caller: str | None, index: AccountIndex) -> tuple[str, ContactList]:
    name, _, answer = item.partition("=")
    known = {each.key for each in index.config.lists}
    if name not in known:
        raise UsageError(f"--listed {item}: there is no list {name!r}", hint=_names(known))
    if answer not in {"", "yes", "no"}:
        raise UsageError(f"--listed {item}: yes or no", hint=f"write --listed {name} or --listed {name}=no")
    return name, ContactList(pack_list("numbers", [] if answer == "no" else [caller or "anonymous"]))


def read_seen(items: Iterable[str], campaign: str, index: AccountIndex) -> tuple[Seen, ...]:
    """`--seen EVENT,ISO[,BUYER]` as what happened with the contact on the campaign, newest last."""
    return tuple(sorted((_seen(item, campaign, index) for item in items), key=lambda seen: seen.at_ms))


def _seen(item: str, campaign: str, index: AccountIndex) -> Seen:
    event, _, rest = item.partition(",")
    at, comma, buyer = rest.partition(",")
    event, buyer = event.strip(), buyer.strip()
    hint = "write --seen connect,2026-11-01T10:00:00-05:00,lone-star"
    if event not in CONTACT_EVENTS or not at or (comma and not buyer):
        raise UsageError(f"--seen {item}: no EVENT,ISO[,BUYER]; events are {', '.join(CONTACT_EVENTS)}", hint=hint)
    if buyer and buyer not in index.buyers:
        raise UsageError(f"--seen {item}: there is no buyer {buyer!r}", hint=_names(index.buyers))
    return Seen(event, read_instant(at.strip(), "--seen"), campaign, buyer or None)  # type: ignore[arg-type]


def read_bids(items: Iterable[str], index: AccountIndex) -> dict[str, Bid]:
    """`--bid TARGET=AMOUNT|none|timeout` by target."""
    bids: dict[str, Bid] = {}
    for item in items:
        key, value = _halves("--bid", item, "--bid national-rtb=42.50")
        target = index.targets.get(key)
        if target is None:
            raise UsageError(f"--bid {item}: there is no target {key!r}", hint=_names(index.targets))
        if target.bid is None:
            raise UsageError(f"--bid {item}: {key!r} does not bid", hint="only targets with `bid` are asked for one")
        if value in _NO_BIDS:
            bids[key] = Bid(_NO_BIDS[value])
        else:
            amount = Money(_amount("--bid", item, value, index), index.config.account.currency)
            bids[key] = Bid("bid", amount)
    return bids


class _Printed(msgspec.Struct):
    """Of what `rates --json` prints, the books."""

    books: tuple[Rates, ...]


def read_books(file: Path) -> dict[str, RateBook]:
    """`--rates FILE`: the books that `rates --json` printed, by account."""
    try:
        printed = msgspec.json.decode(file.read_bytes(), type=_Printed)
        for rates in printed.books:
            check_rates(rates)
    except OSError as error:
        raise UsageError(f"--rates {file}: {error.strerror}", hint="name a file") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(
            f"--rates {file}: {error}", hint="./trunkline rates --data DIR --json prints such a file"
        ) from error
    return {rates.account: RateBook(rates) for rates in printed.books}


def read_scores(items: Iterable[str], index: AccountIndex) -> dict[str, float] | None:
    """`--score TARGET=P` by target, P from 0 to 1; None without any."""
    scores: dict[str, float] = {}
    for item in items:
        key, value = _halves("--score", item, "--score lone-star-intake=0.35")
        if key not in index.targets:
            raise UsageError(f"--score {item}: there is no target {key!r}", hint=_names(index.targets))
        try:
            scores[key] = read_share(value) / 1_000_000
        except BadText as error:
            raise UsageError(f"--score {item}: {error.message}", hint=error.hint) from error
    return scores or None


def read_penalties(items: Iterable[str], index: AccountIndex) -> dict[str, int]:
    """`--penalty TARGET=SHARE` by target, SHARE from 0 to 1; in hundredths of a percent."""
    penalties: dict[str, int] = {}
    for item in items:
        key, value = _halves("--penalty", item, "--penalty lone-star-intake=0.12")
        if key not in index.targets:
            raise UsageError(f"--penalty {item}: there is no target {key!r}", hint=_names(index.targets))
        try:
            penalties[key] = read_share(value) // 100
        except BadText as error:
            raise UsageError(f"--penalty {item}: {error.message}", hint=error.hint) from error
    return penalties


def _live(item: str, index: AccountIndex) -> tuple[tuple[str, str], int]:
    name, value = _halves("--live", item, "--live buyer/lone-star=3")
    return _object("--live", item, name, index), _count("--live", item, value)


def _last(item: str, utc_ms: int, index: AccountIndex) -> tuple[tuple[str, str], int]:
    name, value = _halves("--last", item, "--last buyer/lone-star=20")
    return _object("--last", item, name, index), utc_ms - 1000 * _count("--last", item, value)


def _used(item: str, index: AccountIndex) -> tuple[tuple[str, str, str, str], int]:
    example = "--used buyer/lone-star:convert:day=50"
    name, value = _halves("--used", item, example)
    pieces = name.rsplit(":", 2)
    if len(pieces) != 3:
        raise UsageError(f"--used {item}: measure or window is missing", hint=f"write {example}")
    name, measure, per = pieces
    if measure not in COUNTED:
        raise UsageError(f"--used {item}: {measure!r} is not counted", hint=f"one of {', '.join(COUNTED)}")
    if per not in set(Per):
        raise UsageError(f"--used {item}: {per!r} is no window", hint=f"one of {', '.join(Per)}")
    level, key = _object("--used", item, name, index)
    seats = _amount("--used", item, value, index) if measure == "spend" else _count("--used", item, value)
    return (level, key, measure, per), seats


def _funds(item: str, index: AccountIndex) -> tuple[str, int]:
    key, value = _halves("--funds", item, "--funds lone-star=250.00")
    buyer = index.buyers.get(key)
    if buyer is None:
        raise UsageError(f"--funds {item}: there is no buyer {key!r}", hint=_names(index.buyers))
    available = _amount("--funds", item, value, index)
    # What is stated is the money left; counters say how much of the granted money is spoken for.
    return key, (0 if buyer.funding is None else buyer.funding.limit.minor) - available


def _object(flag: str, item: str, name: str, index: AccountIndex) -> tuple[str, str]:
    level, slash, key = name.partition("/")
    if not slash or level not in LIMIT_LEVELS:
        raise UsageError(f"{flag} {item}: no LEVEL/KEY", hint=f"LEVEL is one of {', '.join(LIMIT_LEVELS)}")
    known = _keys_of(level, index)
    if key not in known:
        raise UsageError(f"{flag} {item}: there is no {level} {key!r}", hint=_names(known))
    return level, key


def _keys_of(level: str, index: AccountIndex) -> Iterable[str]:
    match level:
        case "account":
            return (index.config.account.key,)
        case "campaign":
            return index.campaigns
        case "publisher":
            return index.publishers
        case "group":
            return index.groups
        case "buyer":
            return index.buyers
        case "bidder":
            return [key for key, target in index.targets.items() if target.bid is not None]
        case "target":
            return index.targets
        case _:
            return [
                f"{plan.key}.{tier.key}.{route.key}"
                for plan in index.config.plans
                for tier in plan.tiers
                for route in tier.routes
            ]


def _halves(flag: str, item: str, example: str) -> tuple[str, str]:
    name, equals, value = item.rpartition("=")
    if not equals or not name:
        raise UsageError(f"{flag} {item}: the value is missing", hint=f"write {example}")
    return name.strip(), value.strip()


def _count(flag: str, item: str, text: str) -> int:
    if _COUNT.fullmatch(text) is None:
        raise UsageError(f"{flag} {item}: {text!r} is no count", hint="write a whole number such as 3")
    return int(text)


def _amount(flag: str, item: str, text: str, index: AccountIndex) -> int:
    currency = index.config.account.currency
    try:
        return parse_money(text, currency).minor
    except ValueError as error:
        raise UsageError(f"{flag} {item}: {error}", hint="write an amount such as 250.00") from error


def _names(keys: Iterable[str]) -> str:
    known = list(keys)
    return f"there are: {', '.join(known[:10])}" if known else "there is none"
