"""Makes the reference page of the configuration from the schema. `python -m trunkline.config.reference page|schema`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from trunkline.config import (
    bids,
    contacts,
    deliveries,
    flows,
    lead_fields,
    lead_rules,
    outbound,
    return_rules,
    review_rules,
    schema,
    selling,
    trunks,
)
from trunkline.config.attributes import BUILT_IN
from trunkline.config.codes import CODES
from trunkline.config.criteria_words import CRITERIA_TOP, OPERATOR_WORDS
from trunkline.config.holiday_dates import HOLIDAY_YEARS
from trunkline.config.json_schema import json_schema
from trunkline.config.meanings import meaning_of
from trunkline.config.ranges import RANGES
from trunkline.config.shapes_flow import ALL_NODES
from trunkline.kernel.money import Money

OBJECTS: tuple[type[msgspec.Struct], ...] = (
    schema.Account, schema.Publisher, schema.Campaign, schema.Conversion, schema.ConversionRule, schema.Payout,
    contacts.PayoutDuplicates, contacts.Duplicates, contacts.MarkDuplicates, schema.Recording, lead_fields.LeadField,
    lead_rules.LeadRules, lead_rules.TrustedForm, lead_rules.Lookup, selling.Margin, selling.MarginRange,
    selling.CallBids, review_rules.Review, review_rules.Resale,
    schema.AttributeType, schema.Number, schema.Buyer, schema.Funding, return_rules.Returns,
    schema.BuyerGroup, schema.Target, schema.PauseAfter, deliveries.Deliver, deliveries.Email,
    deliveries.Sftp, deliveries.Sms, deliveries.BasicAuth, deliveries.AcceptWhen, bids.Bid, bids.BidAuth, bids.BidsWhen,
    bids.Confirm, schema.Plan, schema.Tier, schema.Performance, schema.Route, schema.NoBuyer,
    schema.Limit, contacts.ContactList, flows.Flow,
    flows.Share, flows.Prompt, outbound.Outbound, outbound.Smtp, trunks.Trunk, trunks.TrunkAuth, trunks.TrunkIdentity,
    trunks.TrunkOutbound, trunks.TrunkRegister,
)  # fmt: skip
"""The objects of the page, in the order of a file."""

_TOP = """\
# Configuration

<!-- Made from the schema by `python -m trunkline.config.reference page`; edit the schema, not this page. -->

`./trunkline check PATH` reads a configuration and names everything that is wrong with it. PATH is a file
(`.yaml`, `.yml` or `.json`) that holds one account and what is shared by all, or a folder with `platform.yaml`
(`outbound`, `trunks`) and one file for each account in `accounts/`. Every file begins with `version: 1`.
[configuration.schema.json](configuration.schema.json) is the same for editors.

**Every scalar is text** until the schema reads it: `ON` is Ontario, `06401` keeps its zero, `NO` is Norway. Switches
are `true` and `false`, nothing else. Amounts are in major units of the account's currency, such as `"120.00"`. `null`,
`~` and an empty value are the same as leaving the key out. Anchors and aliases work, merge keys (`<<`) and tags do not.

**Unlimited** is left out, zero is none. Allow-lists are the other way round: a trunk without `allow` accepts nobody.
`paused: true` stops whatever it stands on.

**Guards** (`paused`, `hours`, `criteria`, `limits`, `floor`) must pass at every level. **Settings** (`price`,
`ring_seconds`, `caller_id`, `whisper`, `recording`, `conversion`) come from the most specific level that has one:
route, target, buyer, plan, campaign, account.
"""

_TEMPLATES = """\
## Templates

What is sent to buyers has places for attributes: `[lead.phone]` is the lead's field `phone`, `[geo.state]` where it
comes from. What is unknown leaves its place empty, or the words behind a bar: `[source.key|direct]`. `[[` writes a
bracket. What fills a place is made harmless where it stands (in a URL, a header, JSON, a form, XML), and places in it
are not filled.

Answers are read by **paths**: `status`, `data.bids[0].amount`, `$.data['bid amount']`. In what a bidder answers, a path
that begins with a slash leads into XML: `/response/bid`, `//bid/@amount`, `/bids/bid[2]`; names of elements are
compared without their namespaces.

Pings of bidders also have `[ping.id]`, `[ping.kind]`, `[ping.campaign]`, `[ping.source]` and `[ping.deadline_ms]`;
confirmations also `[bid.id]`, `[bid.amount]` and `[bid.currency]`.

In the subject, body and columns of an e-mail, in the columns and the name of a file there is more: `[delivery.id]`, the
same at every try; `[delivery.lead]`, the lead's id; `[delivery.campaign]`; `[delivery.count]`, how many leads it has;
`[delivery.date]` and `[delivery.time]` of the zone. In the request of an SMS there are `[sms.to]` and `[sms.text]`.

## Secrets

`${ENV:NAME}` in any text of a delivery or a bid is the value of the environment variable NAME: an API key in a header,
in a URL, in a field, the password of `auth`. It is read when a configuration comes into force; without it the
configuration is refused, and the error names the variable and the place. Fields that end in `_env` hold the name of a
variable alone. Values stand in no log, journal, trace or kept configuration, and what others answer is shown without
them. Where several accounts share an installation, each has the variables that begin with its key (`ACME_…` for
`acme`), and naming others is an error. `check` warns of headers and URLs that seem to hold a secret themselves
(`literal_secret`).
"""

_HOURS = f"""\
## Hours

`{{mon: ["08:00-18:00"], fri: ["08:00-12:00", "13:00-17:00"], sat: ["22:00-02:00"], exceptions: {{"2026-12-25": []}}}}`

Days are `mon` to `sun`. A range includes its start and not its end; `24:00` may be an end; a range past midnight
belongs to the day it starts on; equal ends are an error. A day that is missing is closed. A date in `exceptions`
replaces the ranges that start on it. `holidays: [US]` or `[US-TX]` closes the public holidays of a country, or of a
part of one with those of the country, observed days included; a date in `exceptions` wins. Holidays are known for the
years {HOLIDAY_YEARS.start} to {HOLIDAY_YEARS.stop - 1}; beyond them every day is an ordinary one. `hours: {{}}` is an
error: leave hours out when always open. Times are wall-clock times of the object's zone, else the buyer's, else the
account's.
"""

_FLOW_NODES = """\
## Flow nodes

A node is one verb with its fields, and `next` or `otherwise` beside the verb or inside it: `greet: {play: {say:
"Welcome."}, next: zip}`. `{say: "Welcome.", next: zip}` is short for play. `say`, `file` and `lang` written straight
into a node are its one prompt. `set: {caller.language: es}` sets attributes, `splitter: [{next: a, weight: 2}, {next:
b}]` goes by chance. Every way must lead to a node, every node to an end (`route`, `voicemail`, `hang_up`), and no
loop may go round without a node that waits for a key.
"""


def reference_page() -> str:
    """The page docs/reference/configuration.md, whole."""
    parts = [_TOP, "## The file\n\n" + _table((schema.AccountConfig, schema.Platform))]
    parts += [f"## {kind.__name__}\n\n{_docs(kind)}\n\n{_table((kind,))}" for kind in OBJECTS]
    parts += [_HOURS, _criteria(), _TEMPLATES, _FLOW_NODES]
    for verb, node in ALL_NODES.items():
        table = _table((node,), frozenset({"status"}) if verb == "hang_up" else frozenset())
        parts.append(f"### {verb}\n\n{_docs(node)}\n\n{table}".rstrip() + "\n")
    parts.append(_problems())
    return "\n".join(parts)


def _docs(kind: type[msgspec.Struct]) -> str:
    lines = (kind.__doc__ or "").strip().splitlines()
    return "\n".join(line.strip() for line in lines)


def _table(kinds: tuple[type[msgspec.Struct], ...], hidden: frozenset[str] = frozenset()) -> str:
    rows = [row for kind in kinds for row in _rows(kind) if row[0] not in hidden]
    if not rows:
        return ""
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    return (
        "\n".join(lines + [f"| `{key}` | {value} | {default} | {text} |" for key, value, default, text in rows]) + "\n"
    )


def _rows(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str, str, str]]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        words = _words(field.type, (kind, field.name))
        least_most = RANGES.get(kind, {}).get(field.name)
        if least_most is not None and (kind, field.name) not in _SPECIAL:
            words += f", {least_most[0]} to {least_most[1]}"
        default = _default(field)
        if words == _SHARE and not field.required and field.default is not None:
            default = f"`{field.default / 1_000_000:g}`"
        yield field.encode_name, words, default, meaning_of(kind.__name__, field.name)


def _default(field: inspect.Field) -> str:
    if field.required:
        return "**needed**"
    value: Any = field.default
    if value is None or value is msgspec.NODEFAULT or value == () or isinstance(value, msgspec.Struct):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


_SHARE = "number from 0 to 1"
_SPECIAL = {
    (schema.Payout, "percent"): "percent",
    (return_rules.Returns, "share_percent"): "percent",
    (selling.Margin, "percent"): "percent",
    (selling.MarginRange, "percent"): "percent",
    (schema.Limit, "max"): "whole number or amount",
    (schema.Number, "number"): "number in E.164",
    (schema.Target, "trunk"): "text or list of text",
    (deliveries.Email, "to"): "text or list of text",
    (deliveries.Email, "cc"): "text or list of text",
    (trunks.Trunk, "number_from"): "`request_uri` `to` `header:NAME`",
    (trunks.Trunk, "max_cost_per_hour"): "amount",
    (trunks.Trunk, "cost_per_minute"): "amount",
    (schema.Tier, "min_score"): _SHARE,
    (schema.Route, "min_score"): _SHARE,
    (schema.Performance, "trial_share"): _SHARE,
}


def _words(kind: inspect.Type, at: tuple[type, str]) -> str:
    if at in _SPECIAL:
        return _SPECIAL[at]
    if at[1] in {"prompts", "invalid"}:
        return "[prompts](#prompt)"
    if at[1] == "nodes":
        return "mapping of [flow nodes](#flow-nodes)"
    if isinstance(kind, inspect.UnionType):
        return _words_of_union(kind, at)
    if isinstance(kind, inspect.LiteralType):
        return " ".join(f"`{value}`" for value in kind.values)
    if isinstance(kind, inspect.EnumType):
        return " ".join(f"`{member.value}`" for member in kind.cls)
    if isinstance(kind, inspect.VarTupleType):
        return f"list of {_words(kind.item_type, at)}"
    if isinstance(kind, inspect.DictType):
        return f"mapping of {_words(kind.value_type, at)}"
    if isinstance(kind, inspect.StructType):
        return _link(kind.cls)
    return {inspect.StrType: "text", inspect.IntType: "whole number", inspect.BoolType: "`true` `false`"}[type(kind)]


def _words_of_union(kind: inspect.UnionType, at: tuple[type, str]) -> str:
    members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
    if len(members) > 1:
        return "[criteria](#criteria)"
    return _words(members[0], at)


def _link(kind: type[msgspec.Struct]) -> str:
    if kind is Money:
        return "amount"
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _criteria() -> str:
    names = ", ".join(f"`{name}`" + ("" if kind == "text" else f" ({kind})") for name, kind in BUILT_IN.items())
    lines = ["| operator | value | true when |", "|---|---|---|"]
    lines += [f"| `{each.value}` | {value} | {words} |" for each, (value, words) in OPERATOR_WORDS.items()]
    table = "\n".join(lines)
    return f"{CRITERIA_TOP}\n{table}\n\nAttributes: {names}; and `ivr.NODE`, `lead.FIELD`, `tag.NAME`.\n"


def _problems() -> str:
    lines = ["## Problems", "", "| code | meaning |", "|---|---|"]
    return "\n".join(lines + [f"| `{code}` | {text} |" for code, text in CODES.items()]) + "\n"


def main(arguments: list[str]) -> int:
    """Print the page or the JSON Schema."""
    if arguments == ["page"]:
        sys.stdout.write(reference_page())
    elif arguments == ["schema"]:
        sys.stdout.write(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write("usage: python -m trunkline.config.reference page|schema\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
