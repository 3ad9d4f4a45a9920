# ruff: noqa: E501
"""Every problem that can be found, each with the exact place it is reported at; and many of them at once."""

from __future__ import annotations

import json

import pytest
from tests.unit.config.sample import GOOD, MUTE, VOICES, broken, load, told

from trunkline.config.codes import CODES
from trunkline.config.load import load_sources
from trunkline.config.problems import PROBLEMS_MAX
from trunkline.config.reading import Source

pytestmark = pytest.mark.unit

ACCOUNT = "account: {key: acme, name: Acme Calls, currency: USD, timezone: America/New_York}"
ROUTE = 'price: "120.00", criteria: {all: [{attr: geo.state, in: [TX, OK]}]}'
STAR = "plans[injury].tiers[contract].routes[star]"
CRITERIA = "criteria: {all: [{attr: geo.state, in: [TX, OK]}]}"
LIMITS = 'limits: [{measure: live, max: 3}, {measure: spend, per: month, max: "50000.00"}]'
HOURS = 'hours: {mon: ["08:00-18:00"], sat: ["22:00-02:00"], sun: [], exceptions: {"2026-12-25": []}}'
GREET = 'greet: {play: {say: "Thank you for calling."}, next: zip}'
ZIP = 'zip: {collect: {say: "Your zip code.", digits: 5, into: geo.zip}, next: ask, otherwise: ask}'
ASK = 'ask: {menu: {say: "Press 1 or 2.", choices: {"1": sell, "2": spanish}, otherwise: bye}}'
BYE = "bye: {hang_up: {}}"
NODES = "flows[intake].nodes"
PAYOUT = '{publisher: "*", percent: 60, min: "1.00", max: "80.00"}'
TRUNK = '{key: carrier, allow: ["127.0.0.0/8"], default_country: US, outbound: {proxy: "sip:127.0.0.1:5090"}}'
DESK = '{key: desk, buyer: house, dial: "+12125550123", trunk: carrier, headers: {X-Desk: "1"}}'
DIAL = 'dial: "sip:intake@127.0.0.1:5081"'
MAIL = "deliver: {email: {to: leads@buyer.example}}"
FILES = (
    f'deliver: {{sftp: {{host: files.example, user: us, key_env: KEY, every: day, at: "06:30", '
    f'host_key: "SHA256:{"A" * 43}"}}}}'
)
HOOK = 'deliver: {url: "https://buyer.example/", headers: {X-Api-Key: 0123456789abcdef}}'
CONVERSION = "conversion: {call: {event: duration, seconds: 90}}"


def e(code: str, path: str) -> tuple[str, str, str]:
    return ("error", code, path)


def w(code: str, path: str) -> tuple[str, str, str]:
    return ("warning", code, path)


def criteria(text: str, *expected: tuple[str, str, str]) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    return [(CRITERIA, f"criteria: {text}")], list(expected)


def one(
    old: str, new: str, *expected: tuple[str, str, str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    return [(old, new)], list(expected)


def bidder(
    text: str, *expected: tuple[str, str, str], clear: bool = False
) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """A target that bids, in a plan where bidders have no business; `clear` when nothing is left of it."""
    around = (
        ()
        if clear
        else (
            e("bidder_price", f"{STAR}.price"),
            w("bidder_outside_auction", STAR),
        )
    )
    return [(DIAL, f"{DIAL}, bid: {{{text}}}")], [*expected, *around]


CASES = [
    # the top of the file
    one("version: 1\n", "", e("missing", "version")),
    one("version: 1", "version: 2", e("bad_version", "version")),
    one("version: 1", "version: [1]", e("bad_version", "version")),
    one("buyer_groups:", "buyer_group:", e("unknown_key", "buyer_group")),
    one(ACCOUNT + "\n", "", e("missing", "account")),
    # values
    one("name: Acme Calls", "nmae: Acme Calls", e("unknown_key", "account.nmae")),
    one("publisher: own}", "publsher: own}", e("missing", "numbers[+18335550101].publisher"), e("unknown_key", "numbers[+18335550101].publsher")),
    one("{key: own}", "own", e("not_a_mapping", "publishers[1]"), e("unknown_reference", "numbers[+18335550101].publisher")),
    one("buyers: [lone-star]", "buyers: lone-star", e("not_a_list", "buyer_groups[texas].buyers")),
    one("name: Acme Calls", "name: [Acme]", e("not_a_text", "account.name")),
    one("name: Acme Calls", 'name: ""', e("empty", "account.name")),
    one("name: Acme Calls", r'name: "\x07"', e("bad_text", "account.name")),
    one("weight: 2", "weight: 2.5", e("bad_integer", "plans[injury].tiers[t2].routes[desk].weight")),
    one("weight: 2", "weight: 02", e("bad_integer", "plans[injury].tiers[t2].routes[desk].weight")),
    one("weight: 2", "weight: 1_0", e("bad_integer", "plans[injury].tiers[t2].routes[desk].weight")),
    one("weight: 2", "paused: yes", e("bad_boolean", "plans[injury].tiers[t2].routes[desk].paused")),
    one("weight: 2", "paused: True", e("bad_boolean", "plans[injury].tiers[t2].routes[desk].paused")),
    one("method: priority", "method: prioritty", e("bad_choice", "plans[injury].tiers[contract].method")),
    one("mode: from_connect", "mode: from_connect, pause_keys: '*A'", e("bad_digits", "campaigns[injury].recording.pause_keys")),
    one("mode: from_connect", "mode: always", e("bad_choice", "campaigns[injury].recording.mode")),
    one('floor: "20.00"', 'floor: "-20"', e("bad_money", "plans[injury].floor")),
    one('floor: "20.00"', "floor: 20.005", e("bad_money", "plans[injury].floor")),
    one('floor: "20.00"', 'floor: "1,000"', e("bad_money", "plans[injury].floor")),
    one("percent: 60", "percent: 60%", e("bad_percent", "campaigns[injury].payouts[1].percent")),
    one("{key: house}", "{key: house, returns: {reasons: [Bad Contact]}}", e("bad_return", "buyers[house].returns.reasons[0]")),
    one("{key: house}", "{key: house, returns: {reasons: []}}", e("empty", "buyers[house].returns.reasons")),
    one("{key: house}", "{key: house, returns: {auto_approve: [bored]}}", e("bad_return", "buyers[house].returns.auto_approve[0]")),
    one("{key: house}", "{key: house, returns: {share_percent: 101}}", e("bad_return", "buyers[house].returns.share_percent")),
    one("    plan: injury\n", "    plan: injury\n    leads: {review: {}}\n", e("bad_lead_rule", "campaigns[injury].leads.review")),
    one("    plan: injury\n", "    plan: injury\n    leads: {review: {all: true, criteria: {attr: geo.state, eq: TX}}}\n", e("bad_lead_rule", "campaigns[injury].leads.review")),
    one("    plan: injury\n", "    plan: injury\n    leads: {review: {criteria: {attr: geo.stat, eq: TX}}}\n", e("unknown_attribute", "campaigns[injury].leads.review.criteria")),
    one("    plan: injury\n", "    plan: injury\n    leads: {resale: {plan: aged}}\n", e("unknown_reference", "campaigns[injury].leads.resale.plan")),
    one("    plan: injury\n", "    plan: injury\n    leads: {resale: {plan: injury, after_hours: 100, max_age_days: 2}}\n", w("no_effect", "campaigns[injury].leads.resale.plan"), w("never_matches", "campaigns[injury].leads.resale.after_hours")),
    one("    plan: injury\n", "    plan: injury\n    leads: {resale: {plan: injury, shared_too: true}}\n", w("no_effect", "campaigns[injury].leads.resale.plan"), w("no_effect", "campaigns[injury].leads.resale.shared_too")),
    one("    plan: injury\n", "    plan: injury\n    leads: {resale: {plan: injury, times: 0}}\n", w("no_effect", "campaigns[injury].leads.resale.plan"), e("out_of_range", "campaigns[injury].leads.resale.times")),
    one("{key: house}", "{key: house, returns: {within_days: 0}}", e("out_of_range", "buyers[house].returns.within_days")),
    one("percent: 60", "percent: 10000.01", e("bad_percent", "campaigns[injury].payouts[1].percent")),
    one('"+18335550101"', '"(833) 555-0101"', e("bad_number", "numbers[(833) 555-0101].number")),
    # hours
    one('mon: ["08:00-18:00"]', 'mon: ["8-18"]', e("bad_hours", "buyers[lone-star].hours.mon[0]")),
    one('mon: ["08:00-18:00"]', 'mon: ["08:00-08:00"]', e("bad_hours", "buyers[lone-star].hours.mon[0]")),
    one('mon: ["08:00-18:00"]', 'mon: ["24:00-08:00"]', e("bad_hours", "buyers[lone-star].hours.mon[0]")),
    one('mon: ["08:00-18:00"]', 'mon: ["08:00-24:01"]', e("bad_hours", "buyers[lone-star].hours.mon[0]")),
    one('mon: ["08:00-18:00"]', 'mon: ["08:60-18:00"]', e("bad_hours", "buyers[lone-star].hours.mon[0]")),
    one('mon: ["08:00-18:00"]', 'monday: ["08:00-18:00"]', e("unknown_key", "buyers[lone-star].hours.monday")),
    one('"2026-12-25": []', '"2026-02-30": []', e("bad_date", "buyers[lone-star].hours.exceptions.2026-02-30")),
    one('"2026-12-25": []', '"20261225": []', e("bad_date", "buyers[lone-star].hours.exceptions.20261225")),
    one('exceptions: {"2026-12-25": []}', "exceptions: []", e("not_a_mapping", "buyers[lone-star].hours.exceptions")),
    one(HOURS, "hours: {}", e("bad_hours", "buyers[lone-star].hours")),
    one(HOURS, "hours: always", e("not_a_mapping", "buyers[lone-star].hours")),
    one(HOURS, "hours: {sun: []}", w("never_open", "buyers[lone-star].hours")),
    one('exceptions: {"2026-12-25": []}', "holidays: [US-ZZ]", e("unknown_holidays", "buyers[lone-star].hours.holidays[0]")),
    one("timezone: America/Chicago", "timezone: Chicago", e("unknown_zone", "buyers[lone-star].timezone")),
    one("timezone: America/New_York", "timezone: EDT5", e("unknown_zone", "account.timezone")),
    one("{measure: live, max: 3}", "{measure: attempt, per: day, max: 3, zone: Mars}", e("unknown_zone", "buyers[lone-star].limits[0].zone")),
    # currency, country
    one("currency: USD", "currency: usd", e("unknown_currency", "account.currency")),
    one("default_country: US", "default_country: USA", e("unknown_country", "trunks[carrier].default_country")),
    # what a trunk may dial, how it writes numbers, what it may cost
    one("default_country: US", "default_country: GB", e("international_number", "targets[desk].dial")),
    one("default_country: US, ", "", e("international_number", "targets[desk].dial"), w("no_effect", "trunks[carrier].outbound")),
    one("default_country: US", 'default_country: GB, prefixes: ["+44", "+1212"]'),
    one('"+12125550123", trunk', '"+19005550123", trunk', e("premium_number", "targets[desk].dial")),
    one('"+12125550123", trunk', '"+12129761234", trunk', e("premium_number", "targets[desk].dial")),
    one('"+12125550123", trunk', '"+18765550123", trunk', e("international_number", "targets[desk].dial")),
    one("trunk: carrier", "trunk: [carrier]"),
    one("trunk: carrier", "trunk: []", e("missing_trunk", "targets[desk].trunk")),
    one("trunk: carrier", "trunk: [carrier, carrier]", e("duplicate", "targets[desk].trunk")),
    one("trunk: carrier", "trunk: [carrier, other]", e("unknown_reference", "targets[desk].trunk")),
    one("default_country: US", "default_country: US, number_from: from", e("bad_choice", "trunks[carrier].number_from")),
    one("default_country: US", "default_country: US, number_from: 'header:'", e("bad_choice", "trunks[carrier].number_from")),
    one("default_country: US", "default_country: US, number_from: 'header:X-Dialed'"),
    one("default_country: US", "default_country: US, national_prefix: 'x'", e("bad_prefix", "trunks[carrier].national_prefix")),
    one("default_country: US", "prefixes: ['+1'], national_prefix: '1'", e("missing", "trunks[carrier].default_country")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1:5090", number_format: spoken', e("bad_choice", "trunks[carrier].outbound.number_format")),
    one("default_country: US", "default_country: US, keepalive_seconds: 0", e("out_of_range", "trunks[carrier].keepalive_seconds")),
    one('"+12125550123", trunk', '"+12125550123", keepalive_seconds: 30, trunk', w("no_effect", "targets[desk].keepalive_seconds")),
    one(', outbound: {proxy: "sip:127.0.0.1:5090"}', ", keepalive_seconds: 30", e("trunk_without_outbound", "targets[desk].trunk"), w("no_effect", "trunks[carrier].keepalive_seconds")),
    one("default_country: US", "default_country: US, max_live: -1", e("out_of_range", "trunks[carrier].max_live")),
    one("default_country: US", "default_country: US, max_live: 0", w("zero_limit", "trunks[carrier].max_live")),
    one("default_country: US", "default_country: US, max_cost_per_hour: '20'", e("missing", "trunks[carrier].cost_per_minute")),
    one("default_country: US", "default_country: US, cost_per_minute: '0.0085'", w("no_effect", "trunks[carrier].cost_per_minute")),
    one("default_country: US", "default_country: US, cost_per_minute: '0.00850001'", e("bad_money", "trunks[carrier].cost_per_minute")),
    one("default_country: US", "default_country: US, responses: {'486': 480, '404': 604}"),
    one("default_country: US", "default_country: US, responses: {'180': 480}", e("bad_response", "trunks[carrier].responses.180")),
    one("default_country: US", "default_country: US, responses: {'487': 480}", e("bad_response", "trunks[carrier].responses.487")),
    one("default_country: US", "default_country: US, responses: {'486': 200}", e("bad_response", "trunks[carrier].responses.486")),
    one("default_country: US", "default_country: US, responses: {'486': busy}", e("bad_integer", "trunks[carrier].responses.486")),
    # limits
    one(LIMITS, "limits: [{measure: live, max: -1}]", e("out_of_range", "buyers[lone-star].limits[0].max")),
    one(LIMITS, "limits: [{measure: live, max: 0}]", w("zero_limit", "buyers[lone-star].limits[0].max")),
    one(LIMITS, "limits: [{measure: live, per: day, max: 1}]", e("bad_limit", "buyers[lone-star].limits[0].per")),
    one(LIMITS, "limits: [{measure: convert, max: 1}]", e("bad_limit", "buyers[lone-star].limits[0].per")),
    one(LIMITS, "limits: [{measure: convert, per: year, max: 1}]", e("bad_choice", "buyers[lone-star].limits[0].per")),
    one(LIMITS, "limits: [{measure: spend, per: day, max: many}]", e("bad_money", "buyers[lone-star].limits[0].max")),
    one(LIMITS, 'limits: [{measure: convert, per: day, max: "5.00"}]', e("bad_integer", "buyers[lone-star].limits[0].max")),
    one(LIMITS, "limits: [{measure: live, max: 1}, {measure: live, max: 2}]", e("duplicate", "buyers[lone-star].limits[1]")),
    one(LIMITS, "limits: [{measure: live, max: 1, applies_to: lead}]", w("never_matches", "buyers[lone-star].limits[0].applies_to")),
    one("publisher: own}", "publisher: own, limits: []}", e("unknown_key", "numbers[+18335550101].limits")),
    one("method: priority", "method: priority\n        limits: []", e("unknown_key", "plans[injury].tiers[contract].limits")),
    one('floor: "20.00"', 'floor: "20.00"\n    limits: []', e("unknown_key", "plans[injury].limits")),
    one(LIMITS, "limits: [{measure: live, max: 1, matrix: {mon: [1]}}]", e("bad_limit", "buyers[lone-star].limits[0].matrix.mon")),
    one(LIMITS, f"limits: [{{measure: live, max: 2, matrix: {{tue: {[3] * 24}}}}}]", w("never_matches", "buyers[lone-star].limits[0].matrix.tue")),
    one(LIMITS, f"limits: [{{measure: connect, per: day, max: 2, matrix: {{tue: {[1] * 24}}}}}]", e("bad_limit", "buyers[lone-star].limits[0].matrix")),
    # keys and references
    one("{key: own}", "{key: adwave}", e("duplicate", "publishers[adwave].key"), e("unknown_reference", "numbers[+18335550101].publisher")),
    one("key: lone-star\n", "key: lone star\n", e("bad_key", "buyers[lone star].key"), e("unknown_reference", "buyer_groups[texas].buyers[0]"), e("unknown_reference", "targets[star].buyer")),
    one('"+18335550101"', '"+18335550100"', e("number_clash", "numbers[+18335550100].number")),
    one("flow: intake", "flow: intak", e("unknown_reference", "campaigns[injury].flow")),
    one("plan: injury", "plan: nothing", e("unknown_reference", "campaigns[injury].plan")),
    one("campaign: injury, publisher: own", "campaign: x, publisher: own", e("unknown_reference", "numbers[+18335550101].campaign")),
    one("{publisher: adwave, event", "{publisher: adwaev, event", e("unknown_reference", "campaigns[injury].payouts[0].publisher")),
    one("buyers: [lone-star]", "buyers: [lone-star, x]", e("unknown_reference", "buyer_groups[texas].buyers[1]")),
    one("buyers: [lone-star]", "buyers: [house, house]", e("duplicate", "buyer_groups[texas].buyers[1]")),
    one("{target: star,", "{target: starr,", e("unknown_reference", "plans[injury].tiers[contract].routes[starr].target")),
    one("- method: weighted", "- key: contract\n        method: weighted", e("duplicate", "plans[injury].tiers[contract].key")),
    one("{target: desk,", "{target: star,", e("duplicate", "plans[injury].tiers[t2].routes[star].key")),
    one("tag.page: home", "page: home", e("unknown_attribute", "numbers[+18335550100].tags.page")),
    one("name: tag.points", "name: points", e("unknown_attribute", "campaigns[injury].attributes[points].name")),
    # criteria
    criteria("{}", e("empty", f"{STAR}.criteria")),
    criteria("{all: []}", e("empty", f"{STAR}.criteria.all")),
    criteria("{any: {}}", e("not_a_list", f"{STAR}.criteria.any")),
    criteria("[]", e("not_a_mapping", f"{STAR}.criteria")),
    criteria("{not: {attr: geo.state, in: []}}", e("empty", f"{STAR}.criteria.not.in")),
    criteria("{attr: geo.state}", e("missing", f"{STAR}.criteria")),
    criteria("{eq: TX}", e("missing", f"{STAR}.criteria")),
    criteria("{attr: geo.state, is: TX}", e("unknown_key", f"{STAR}.criteria.is"), e("missing", f"{STAR}.criteria")),
    criteria("{attr: geo.state, in: TX}", e("not_a_list", f"{STAR}.criteria.in")),
    criteria("{attr: geo.state, eq: [TX]}", e("not_a_text", f"{STAR}.criteria.eq")),
    criteria("{attr: geo.state, exists: yes}", e("bad_boolean", f"{STAR}.criteria.exists")),
    criteria("{attr: geo.stat, eq: TX}", e("unknown_attribute", f"{STAR}.criteria")),
    criteria("{attr: lead, eq: TX}", e("unknown_attribute", f"{STAR}.criteria")),
    criteria("{attr: time.hour, eq: nine}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: time.hour, prefix: 9}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: geo.state, gt: 9}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: time.date, eq: tomorrow}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: caller.anonymous, eq: maybe}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: tag.points, lt: 5}"),
    criteria("{attr: geo.city, regex: '('}", e("bad_regex", f"{STAR}.criteria")),
    criteria("{attr: geo.city, regex: '[[a]'}"),
    criteria(r"{attr: geo.city, regex: '(a)\1'}", e("bad_regex", f"{STAR}.criteria")),
    criteria("{attr: geo.city, regex: '(?=a)b'}", e("bad_regex", f"{STAR}.criteria")),
    criteria("{attr: geo.city, regex: '(a{500}){500}'}", e("bad_regex", f"{STAR}.criteria")),
    criteria("{attr: geo.city, regex: '" + "a" * 501 + "'}", e("bad_regex", f"{STAR}.criteria")),
    criteria("{attr: geo.city, regex: '(a+)+$'}"),
    criteria("{attr: geo.city, regex: ''}", e("empty", f"{STAR}.criteria.regex")),
    criteria("{attr: geo.city, prefix: []}", e("empty", f"{STAR}.criteria.prefix")),
    criteria("{attr: geo.city, in: ['']}", e("empty", f"{STAR}.criteria.in[0]")),
    criteria("{attr: geo.city, prefix: [A, B], contains: [c, d]}"),
    criteria("{attr: geo.zip, in: {file: gone.txt}}", e("missing_file", f"{STAR}.criteria.in.file")),
    criteria("{attr: geo.zip, in: {files: gone.txt}}", e("unknown_key", f"{STAR}.criteria.in.files"), e("missing", f"{STAR}.criteria.in")),
    criteria("{attr: geo.zip, not_in: {file: ../../secret.txt}}", e("bad_file", f"{STAR}.criteria.not_in.file")),
    criteria("{attr: geo.zip, near: {zip: '78701', miles: 50}}"),
    criteria("{attr: geo.zip, near: {zip: '00000', miles: 50}}", w("never_matches", f"{STAR}.criteria.near")),
    criteria("{attr: geo.city, near: {zip: '78701', miles: 50}}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: geo.county, in: ['Travis County, TX', 'St. Clair, AL']}"),
    criteria("{attr: geo.county, in: ['Travvis, TX']}", w("unknown_county", f"{STAR}.criteria")),
    criteria("{attr: geo.zip, near: '78701'}", e("not_a_mapping", f"{STAR}.criteria.near")),
    criteria("{attr: geo.zip, near: {zip: 7870, miles: 5}}", e("bad_zip", f"{STAR}.criteria.near.zip")),
    criteria("{attr: geo.zip, near: {zip: '78701', miles: 501}}", e("out_of_range", f"{STAR}.criteria.near.miles")),
    criteria("{attr: geo.zip, near: {zip: '78701'}}", e("missing", f"{STAR}.criteria.near.miles")),
    criteria("{attr: geo.county, in: ['Travis, TX'], confidence: 0.9}"),
    criteria("{attr: geo.county, in: ['Travis, TX'], confidence: 0.5}", e("out_of_range", f"{STAR}.criteria.confidence")),
    criteria("{attr: geo.county, in: ['Travis, TX'], confidence: high}", e("out_of_range", f"{STAR}.criteria.confidence")),
    criteria("{attr: geo.state, in: [TX], confidence: 0.9}", w("no_effect", f"{STAR}.criteria.confidence")),
    criteria("{attr: geo.county, in: [Travis]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: time.weekday, in: [monday]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: time.hour, gte: 25}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: time.date, eq: '2026-02-29'}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: time.date, between: ['1970-01-01', '2100-02-28']}"),
    criteria("{attr: time.date, eq: '2028-02-29'}"),
    criteria("{attr: tag.points, eq: 1e3}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: tag.points, eq: ٣}", e("unlike_types", f"{STAR}.criteria")),
    criteria("{attr: caller.skills, gt: 3}", e("unlike_types", f"{STAR}.criteria")),
    one("publisher: own}", "publisher: own, tags: {caller.skills: 'es, tax'}}", w("never_matches", "numbers[+18335550101].tags.caller.skills")),
    ([("publisher: own}", "publisher: own, tags: {caller.skills: ES}}"), (DIAL, DIAL + ", skills: [es, tax]")], []),
    one("set: {caller.language: es}", "set: {caller.skills: es}", w("never_matches", f"{NODES}.spanish")),
    # what no caller can fulfil
    criteria("{attr: tag.points, gt: 5, lt: 3}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: tag.points, gt: 5, lte: 5}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: tag.points, gte: 5, lte: 5}"),
    criteria("{attr: tag.points, gte: 10, lt: 9}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: tag.points, gte: 9, lt: 10}"),
    criteria("{attr: tag.points, between: [1, 5], gt: 5}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{attr: tag.points, gt: 5}, {not: {attr: tag.points, gte: 2}}]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: tag.points, in: [1, 2], gt: 2}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: time.date, lt: '2026-01-01', gt: '2026-06-01'}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: geo.zip, prefix: '7', eq: '10001'}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: geo.zip, prefix: '1', eq: '10001'}"),
    criteria("{all: [{attr: geo.zip, prefix: '78'}, {attr: geo.zip, prefix: '79'}]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{attr: geo.zip, prefix: '78'}, {attr: geo.zip, prefix: ['787', '79']}]}"),
    criteria("{attr: geo.city, in: ['Austin, TX', 'Dallas, TX'], regex: '^h'}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: tag.street, in: [STRASSE, Weg], regex: '^straße$'}"),
    criteria("{attr: geo.city, in: ['St. Louis, MO'], regex: '^st[.]'}"),
    criteria("{attr: geo.city, in: [Austin]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: geo.city, contains: x, exists: false}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{attr: geo.city, eq: 'a, tx'}, {not: {any: [{attr: geo.city, eq: 'A, TX'}, {attr: geo.state, eq: TX}]}}]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{attr: caller.skills, eq: es}, {attr: caller.skills, eq: tax}]}"),
    criteria("{attr: time.hour, between: [9]}", e("bad_between", f"{STAR}.criteria")),
    criteria("{attr: time.hour, between: [17, 9]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: geo.state, in: [TX, Texas]}", w("unknown_state", f"{STAR}.criteria")),
    criteria("{all: [{attr: geo.state, eq: TX}, {attr: geo.state, eq: OK}]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{attr: geo.state, in: [TX, OK]}, {attr: geo.state, in: [ON]}]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: geo.state, eq: TX, not_in: [tx]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{attr: geo.state, eq: TX}, {not: {attr: geo.state, eq: TX}}]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{attr: geo.zip, eq: '78701', exists: false}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{attr: geo.zip, exists: true}, {attr: geo.zip, exists: false}]}", w("never_matches", f"{STAR}.criteria")),
    criteria("{all: [{any: [{attr: geo.state, eq: TX}, {attr: geo.state, eq: OK}]}, {attr: geo.state, eq: NM}]}", w("never_matches", f"{STAR}.criteria")),
    one("method: priority", "method: priority\n        criteria: {attr: geo.state, eq: NM}", w("never_matches", f"{STAR}.criteria")),
    # targets and trunks
    one(DIAL + ", ", "", e("target_kind", "targets[star]")),
    one(DIAL, DIAL + ', deliver: {url: "https://x.example/"}', e("target_kind", "targets[star]")),
    one(DIAL, 'dial: "sip:intake@exa_mple.com"', e("bad_dial", "targets[star].dial")),
    one(DIAL, 'dial: "sip:intake@300.0.0.1"', e("bad_dial", "targets[star].dial")),
    one(DIAL, 'dial: "sip:intake@127.0.0.1:99999"', e("bad_dial", "targets[star].dial")),
    one(DIAL, 'dial: "sip:intake@127.0.0.1;transport=sctp"', e("bad_dial", "targets[star].dial")),
    one(DIAL, 'dial: "sips:intake@127.0.0.1;transport=udp"', e("bad_dial", "targets[star].dial")),
    one(DIAL, 'dial: "sips:intake@127.0.0.1"'),
    one(DIAL, 'dial: "sip:intake@127.0.0.1;transport=TCP"'),
    one(DIAL, r'dial: "sip:a@127.0.0.1\r\nX: y"', e("bad_text", "targets[star].dial")),
    one(DIAL, "dial: 5125550100", e("bad_dial", "targets[star].dial")),
    one(", trunk: carrier", "", e("missing_trunk", "targets[desk].trunk")),
    one("trunk: carrier", "trunk: carier", e("unknown_reference", "targets[desk].trunk")),
    one(', outbound: {proxy: "sip:127.0.0.1:5090"}', "", e("trunk_without_outbound", "targets[desk].trunk")),
    one(TRUNK, '{key: carrier, allow: ["10.0.0.1"], prefixes: ["+44"], outbound: {proxy: "sip:[::1]:5090"}}', e("outside_prefixes", "targets[desk].dial")),
    one("default_country: US", 'default_country: US, attestation_header: "no header"', e("bad_header", "trunks[carrier].attestation_header")),
    one("default_country: US", 'default_country: US, identity: {verify: true, certificate_hosts: ["https://x.example"], authorities: ["../ca.pem"]}', e("bad_host", "trunks[carrier].identity.certificate_hosts[0]"), e("bad_file", "trunks[carrier].identity.authorities[0]")),
    one("default_country: US", "default_country: US, identity: {verify: true}", e("missing", "trunks[carrier].identity.certificate_hosts"), e("missing", "trunks[carrier].identity.authorities")),
    one("default_country: US", 'prefixes: ["1"]', e("bad_prefix", "trunks[carrier].prefixes[0]"), e("outside_prefixes", "targets[desk].dial")),
    one("    flow: intake", "    flow: intake\n    answer: buyer", w("answered_by_flow", "campaigns[injury].answer")),
    one(TRUNK, TRUNK + "\n  - {key: idle}", w("trunk_unused", "trunks[idle]")),
    one(TRUNK, TRUNK + "\n  - " + TRUNK, e("duplicate", "trunks[carrier].key")),
    one('allow: ["127.0.0.0/8"], default', 'allow: ["127.0.0.1/8"], default', e("bad_network", "trunks[carrier].allow[0]")),
    one('allow_networks: ["127.0.0.0/8"]', "allow_networks: [localhost]", e("bad_network", "outbound.allow_networks[0]")),
    one('"sip:127.0.0.1:5090"', '"127.0.0.1:5090"', e("bad_sip_uri", "trunks[carrier].outbound.proxy")),
    one('"sip:127.0.0.1:5090"', r'"sip:127.0.0.1", username: "a\nb", password_env: P', e("bad_text", "trunks[carrier].outbound.username")),
    one("publisher: own}", "publisher: own, key: n}\n  - {number: '+18335550102', campaign: injury, publisher: own, key: n}", e("duplicate", "numbers[n].key")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", password_env: P', e("missing", "trunks[carrier].outbound.username")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", username: "me@a b", password_env: P', e("bad_sip_uri", "trunks[carrier].outbound.username")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", username: me@sip.example, password_env: P'),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", username: me, password_env: P, realm: sip.example'),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", realm: sip.example', e("missing", "trunks[carrier].outbound.username")),
    one('"sip:127.0.0.1:5090"', r'"sip:127.0.0.1", username: me, password_env: P, realm: "a\nb"', e("bad_text", "trunks[carrier].outbound.realm")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", register: {}', e("missing", "trunks[carrier].outbound.username")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", username: me, password_env: P, register: {seconds: 59}', e("out_of_range", "trunks[carrier].outbound.register.seconds")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", username: me, password_env: P, register: {contact_user: "a@b"}', e("bad_sip_uri", "trunks[carrier].outbound.register.contact_user")),
    one("default_country: US", 'default_country: US, auth: {username: "a\\tb", password_env: P}', e("bad_text", "trunks[carrier].auth.username")),
    one("default_country: US", "default_country: US, auth: {username: a}", e("missing", "trunks[carrier].auth.password_env")),
    one("default_country: US", "default_country: US, auth: {username: a, password_env: 1P}", e("bad_env", "trunks[carrier].auth.password_env")),
    one(TRUNK, TRUNK + "\n  - {key: one, auth: {username: a, password_env: P}}\n  - {key: two, auth: {username: a, password_env: Q}}", e("duplicate", "trunks[two].auth.username")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", srtp: required', w("keys_in_clear", "trunks[carrier].outbound.srtp")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", username: me', e("missing", "trunks[carrier].outbound.password_env")),
    one('"sip:127.0.0.1:5090"', '"sip:127.0.0.1", username: me, password_env: "s3cret!"', e("bad_env", "trunks[carrier].outbound.password_env")),
    one(DIAL, 'deliver: {url: "ftp://x.example/"}', e("bad_url", "targets[star].deliver.url")),
    one(DIAL, 'deliver: {url: "https://x.example/", accept_when: {equals: ok}}', e("bad_delivery", "targets[star].deliver.accept_when.equals")),
    one(DIAL, DIAL + ', bid: {dialect: generic, url: "http://"}', e("bad_url", "targets[star].bid.url"), e("bidder_price", f"{STAR}.price"), w("bidder_outside_auction", STAR)),
    one(DIAL, DIAL + ', press_to_accept: "12"', e("bad_digits", "targets[star].press_to_accept")),
    one(DIAL, DIAL + ', post_answer_digits: "1x"', e("bad_digits", "targets[star].post_answer_digits")),
    one(DIAL, DIAL + ', also_dial: ["12"]', e("bad_dial", "targets[star].also_dial[0]")),
    one(DIAL, DIAL + ', also_dial: ["+12125550123"]', e("missing_trunk", "targets[star].trunk")),
    one(DIAL, DIAL + ", also_dial: [" + ", ".join(f'"sip:p{n}@127.0.0.1"' for n in range(10)) + "]", e("bad_dial", "targets[star].also_dial")),
    one(DIAL, DIAL + ', also_dial: ["sip:p@127.0.0.1", "sip:p@127.0.0.1"]', e("bad_dial", "targets[star].also_dial[1]")),
    one(DIAL, 'deliver: {url: "https://x.example/"}, also_dial: ["sip:p@127.0.0.1"]', e("bad_dial", "targets[star].also_dial")),
    one('X-Desk: "1"', "Via: x", e("bad_header", "targets[desk].headers.Via")),
    one('X-Desk: "1"', "k: x", e("bad_header", "targets[desk].headers.k")),
    one('X-Desk: "1"', "x: x", e("bad_header", "targets[desk].headers.x")),
    one('X-Desk: "1"', "e: x", e("bad_header", "targets[desk].headers.e")),
    one('X-Desk: "1"', "Content-Encoding: x", e("bad_header", "targets[desk].headers.Content-Encoding")),
    one('X-Desk: "1"', "Min-SE: x", e("bad_header", "targets[desk].headers.Min-SE")),
    one('X-Desk: "1"', "Reason: x", e("bad_header", "targets[desk].headers.Reason")),
    one('X-Desk: "1"', "Privacy: x", e("bad_header", "targets[desk].headers.Privacy")),
    one('X-Desk: "1"', "P-Asserted-Identity: x"),
    one('X-Desk: "1"', r'X-Desk: "a\nVia: b"', e("bad_header", "targets[desk].headers.X-Desk")),
    one('X-Desk: "1"', '"X Desk": a', e("bad_header", "targets[desk].headers.X Desk")),
    one("caller_id: caller", "caller_id: callr", e("bad_caller_id", "targets[star].caller_id")),
    one(DIAL, DIAL + ", ring_seconds: 0", e("out_of_range", "targets[star].ring_seconds")),
    # plans
    one('floor: "20.00"', 'floor: "120.01"', w("never_matches", f"{STAR}.price"), w("never_matches", "plans[injury].tiers[t2].routes[desk].price")),
    one('{target: desk, price: "50.00", weight: 2}', "{target: desk}", e("missing_price", "plans[injury].tiers[t2].routes[desk].price")),
    one("weight: 2", "weight: 0", w("never_matches", "plans[injury].tiers[t2].routes")),
    one("weight: 2", "weight: -1", e("out_of_range", "plans[injury].tiers[t2].routes[desk].weight")),
    one('floor: "20.00"', "max_offers: 0", e("out_of_range", "plans[injury].max_offers")),
    one('floor: "20.00"', "patience_seconds: 0", e("out_of_range", "plans[injury].patience_seconds")),
    one('floor: "20.00"', "fallback: injury", e("fallback_loop", "plans[injury].fallback")),
    one('floor: "20.00"', "fallback: other", e("unknown_reference", "plans[injury].fallback")),
    one("method: priority", "method: priority\n        deadline_ms: 800", w("no_effect", "plans[injury].tiers[contract].deadline_ms")),
    one("flows:\n", "  - {key: two, tiers: []}\nflows:\n", e("empty", "plans[two].tiers")),
    one("flows:\n", "  - {key: two, tiers: [{method: priority, routes: []}]}\nflows:\n", e("empty", "plans[two].tiers[t1].routes")),
    one('floor: "20.00"', 'timezone: America/Chicago\n    hours: {tue: ["08:00-18:00"]}', w("never_matches", STAR)),
    one('floor: "20.00"', 'timezone: America/Chicago\n    hours: {sun: ["01:59-02:00"]}'),
    one('floor: "20.00"', 'timezone: America/Chicago\n    hours: {sun: ["02:00-03:00"]}', w("never_matches", STAR)),
    one('floor: "20.00"', 'timezone: America/Denver\n    hours: {tue: ["08:00-18:00"]}'),
    one('floor: "20.00"', 'timezone: America/Chicago\n    hours: {tue: ["08:00-18:00"], exceptions: {"2026-12-24": ["08:00-09:00"]}}'),
    # conversion and payouts
    one("event: duration, seconds: 90", "event: duration", e("bad_conversion", "campaigns[injury].conversion.call.seconds")),
    one("event: duration, seconds: 90", "event: connect, seconds: 90", e("bad_conversion", "campaigns[injury].conversion.call.seconds")),
    one("event: duration, seconds: 90", "event: accepted", e("bad_conversion", "campaigns[injury].conversion.call.event")),
    one("event: duration, seconds: 90", "event: postback", e("bad_conversion", "campaigns[injury].conversion.call.max_price"), w("not_built", "campaigns[injury].conversion.call.event")),
    one("{call: {event: duration, seconds: 90}}", "{lead: {event: duration, seconds: 9}}", e("bad_conversion", "campaigns[injury].conversion.lead.event")),
    one("{key: adwave}", "{key: adwave, margin: {}}", e("bad_margin", "publishers[adwave].margin")),
    one("{key: adwave}", '{key: adwave, margin: {percent: 30, amount: "1.00"}}', e("bad_margin", "publishers[adwave].margin")),
    one("{key: adwave}", '{key: adwave, margin: {amount: "1.00", min: "1.00"}}', e("bad_margin", "publishers[adwave].margin.min")),
    one("{key: adwave}", "{key: adwave, margin: {percent: 101}}", e("out_of_range", "publishers[adwave].margin.percent")),
    one("{key: adwave}", "{key: adwave, margin: {percent: x}}", e("bad_percent", "publishers[adwave].margin.percent")),
    one(
        "{key: adwave}",
        '{key: adwave, margin: {percent: 3, ranges: [{price_from: "5.00", percent: 3}, {price_from: "5.00", percent: 2}]}}',
        e("bad_margin", "publishers[adwave].margin.percent"),
        e("bad_margin", "publishers[adwave].margin.ranges[1].price_from"),
    ),
    one(
        "    plan: injury\n",
        "    plan: injury\n    call_bids: {ttl_seconds: 1, margin: {ranges: [{price_from: 1}]}}\n",
        e("out_of_range", "campaigns[injury].call_bids.ttl_seconds"),
        e("bad_margin", "campaigns[injury].call_bids.margin.ranges[0]"),
    ),
    one(
        "    plan: injury\n",
        "    plan: injury\n    leads: {ping_ttl_seconds: 4000}\n",
        e("out_of_range", "campaigns[injury].leads.ping_ttl_seconds"),
    ),
    one("percent: 60, ", "", e("bad_payout", "campaigns[injury].payouts[1]")),
    one("percent: 60, ", 'percent: 60, amount: "1.00", ', e("bad_payout", "campaigns[injury].payouts[1]")),
    one("percent: 60, ", 'amount: "2.00", ', e("bad_payout", "campaigns[injury].payouts[1].min"), e("bad_payout", "campaigns[injury].payouts[1].max")),
    one('min: "1.00", max: "80.00"', 'min: "81.00", max: "80.00"', e("bad_payout", "campaigns[injury].payouts[1].min")),
    one("percent: 60, ", "percent: 60, event: duration, ", e("bad_payout", "campaigns[injury].payouts[1].seconds")),
    one("percent: 60, ", "percent: 60, seconds: 9, ", e("bad_payout", "campaigns[injury].payouts[1].seconds")),
    one("percent: 60, ", "percent: 60, event: incoming, ", e("bad_payout", "campaigns[injury].payouts[1].percent")),
    one("percent: 60, ", "percent: 60, duplicates: {pay: older_than}, ", e("bad_payout", "campaigns[injury].payouts[1].duplicates.days")),
    one("{publisher: adwave, event: convert", '{publisher: "*", event: convert', w("never_matches", "campaigns[injury].payouts[1]")),
    one("flow: intake", "lead_fields: [{name: a, type: choice}]\n    flow: intake", e("bad_lead_field", "campaigns[injury].lead_fields[a].choices")),
    one("flow: intake", "leads: {trustedform: {key_env: TF_KEY}}\n    flow: intake", e("bad_lead_rule", "campaigns[injury].leads.trustedform")),
    # flows
    one(GREET, "greet: {}", e("missing", f"{NODES}.greet")),
    one(GREET, "greet: {play: {say: Hi}, hang_up: {}, next: zip}", e("several_verbs", f"{NODES}.greet")),
    one(GREET, "greet: {ply: {say: Hi}, next: zip}", e("unknown_key", f"{NODES}.greet.ply")),
    one(GREET, "greet: {play: {say: Hi, next: zip}, next: zip}", e("duplicate_key", f"{NODES}.greet.next")),
    one(GREET, "greet: {play: {say: Hi}, lang: en, next: zip}", e("unknown_key", f"{NODES}.greet.lang")),
    one(GREET, "greet: {play: {say: Hi, file: a.wav}, next: zip}", e("bad_prompt", f"{NODES}.greet.prompts")),
    one(GREET, "greet: {play: {prompts: [], next: zip}}", e("empty", f"{NODES}.greet.prompts")),
    one(GREET, "greet: {play: {say: Hi}, next: zap}", e("unknown_reference", f"{NODES}.greet.next")),
    one(GREET, "greet: {play: {say: Hi}}", e("missing", f"{NODES}.greet.next")),
    one("start: greet", "start: hello", e("unknown_reference", "flows[intake].start")),
    one("next: sell}", "next: spanish}", e("flow_loop", f"{NODES}.spanish"), e("never_ends", f"{NODES}.spanish")),
    one(BYE, "bye: {play: {say: Again.}, next: zip}", w("silent_loop", f"{NODES}.zip")),
    one(BYE, "bye: {hang_up: {}}\n      lost: {hang_up: {}}", w("unreachable", f"{NODES}.lost")),
    one('choices: {"1": sell, "2": spanish}', "choices: {}", e("empty", f"{NODES}.ask.choices"), w("unreachable", f"{NODES}.spanish"), w("unreachable", f"{NODES}.sell")),
    one('{"1": sell, "2": spanish}', '{"1": sell, "12": spanish}', e("bad_digits", f"{NODES}.ask.choices.12")),
    one("digits: 5", "digits: 99", e("out_of_range", f"{NODES}.zip.digits")),
    one("digits: 5", "digits: 5, min_digits: 6", e("out_of_range", f"{NODES}.zip.min_digits")),
    one("digits: 5", 'digits: 5, finish: "##"', e("bad_digits", f"{NODES}.zip.finish")),
    one("into: geo.zip", "into: geo.city", e("unknown_attribute", f"{NODES}.zip.into")),
    one("set: {caller.language: es}", "set: {caller.language: Spanish}", e("bad_language", f"{NODES}.spanish.set.caller.language")),
    one("set: {caller.language: es}", "set: {geo.city: Austin}", e("unknown_attribute", f"{NODES}.spanish.set.geo.city")),
    one("sell: {route: {}}", "sell: {route: {plan: nope}}", e("unknown_reference", f"{NODES}.sell.plan")),
    one(BYE, "bye: {splitter: [{next: sell, weight: 0}]}", e("empty", f"{NODES}.bye.split")),
    one(BYE, "bye: {hours: {hours: {mon: []}, open: sell, closed: sell, zone: Nowhere}}", e("unknown_zone", f"{NODES}.bye.zone"), w("never_open", f"{NODES}.bye.hours")),
    one(BYE, "bye: {condition: {when: {attr: geo.stat, eq: TX}, then: sell, otherwise: sell}}", e("unknown_attribute", f"{NODES}.bye.when")),
    one('{say: "Thank you for calling."}', "{say: Hallo., lang: de}", e("no_voice", f"{NODES}.greet.prompts[0].say")),
    one('{say: "Thank you for calling."}', "{say: Hi, lang: English}", e("bad_language", f"{NODES}.greet.prompts[0].say")),
    one('{say: "Thank you for calling."}', "{say: Hola., lang: es}"),
    one('{say: "Thank you for calling."}', "{say: Hi., lang: en-GB}"),
    one('{say: "Thank you for calling."}', "{file: prompts/there.wav}", w("missing_file", f"{NODES}.greet.prompts[0].file")),
    one('{say: "Thank you for calling."}', "{file: ../there.wav}", e("bad_file", f"{NODES}.greet.prompts[0].file")),
    one('{say: "Thank you for calling."}', "{file: there.m4a}", e("bad_file", f"{NODES}.greet.prompts[0].file")),
    one('{say: "Thank you for calling."}', "{file: prompts/here.wav}"),
    one('"Thank you for calling."', "A" * 2001, e("too_long", f"{NODES}.greet.prompts[0].say")),
    one("flows:\n", "flows:\n  - {key: none, start: a, nodes: {}}\n", e("empty", "flows[none].nodes")),
    # read, but not built
    one("method: weighted", "method: performance"),
    # bidders
    bidder('dialect: generic, url: "http://127.0.0.1/", bid_path: "$.offers[0][\'your bid\']", number_path: "//bid/@sip", allow: ["sip:.b.example", "sip:[::1]", "+1"]'),
    bidder('dialect: generic, url: "http://127.0.0.1/[ping.id]", fields: {zip: "[geo.zip|00000]", "contact.age": "[lead.age]"}, values: {zip: {"00000": none}}, headers: {X-Kind: "[ping.kind]"}, auth: {bearer: "${ENV:X}"}'),
    bidder('dialect: rinba, url: "http://127.0.0.1/"', e("bad_choice", "targets[star].bid.dialect"), clear=True),
    bidder('dialect: generic, url: "http://127.0.0.1/", allow: ["127.0.0.1"]', e("bad_bid", "targets[star].bid.allow[0]")),
    bidder('dialect: generic, url: "http://127.0.0.1/", allow: ["sip:"]', e("bad_bid", "targets[star].bid.allow[0]")),
    bidder('dialect: generic, url: "http://127.0.0.1/", allow: ["sip:x@b.example"]', e("bad_bid", "targets[star].bid.allow[0]")),
    bidder('dialect: generic, url: "http://127.0.0.1/", allow: ["+0"]', e("bad_bid", "targets[star].bid.allow[0]")),
    bidder('dialect: generic, url: "http://127.0.0.1/", bid_path: "a..b"', e("bad_bid", "targets[star].bid.bid_path")),
    bidder('dialect: generic, url: "http://127.0.0.1/", bid_path: "//a//b"', e("bad_bid", "targets[star].bid.bid_path")),
    bidder('dialect: generic, url: "http://127.0.0.1/", bid_path: "/a[count(//*) > 1]"', e("bad_bid", "targets[star].bid.bid_path")),
    bidder('dialect: generic, url: "http://127.0.0.1/", format: xml, root: "1 ping", fields: {"a b": x}', e("bad_bid", "targets[star].bid.root"), e("bad_bid", "targets[star].bid.fields.a b")),
    bidder('dialect: generic, url: "http://127.0.0.1/", fields: {zip: "[geo.zipp]"}', e("unknown_attribute", "targets[star].bid.fields.zip")),
    bidder('dialect: generic, url: "http://127.0.0.1/", fields: {id: "[bid.id]"}', e("unknown_attribute", "targets[star].bid.fields.id")),
    bidder('dialect: generic, url: "http://127.0.0.1/", headers: {Host: x, "a b": y}', e("bad_header", "targets[star].bid.headers.Host"), e("bad_header", "targets[star].bid.headers.a b")),
    bidder('dialect: generic, url: "http://127.0.0.1/", auth: {bearer: "${ENV:X}", username: y}', e("bad_bid", "targets[star].bid.auth")),
    bidder('dialect: generic, url: "http://127.0.0.1/", auth: {header: "a b", value: "${ENV:X}"}', e("bad_header", "targets[star].bid.auth.header")),
    bidder('dialect: generic, url: "http://127.0.0.1/", bids_when: {}', e("bad_bid", "targets[star].bid.bids_when")),
    bidder('dialect: generic, url: "http://127.0.0.1/", bids_when: {equals: ok}', e("bad_bid", "targets[star].bid.bids_when.equals")),
    bidder('dialect: generic, url: "http://127.0.0.1/", caller: hidden', e("bad_choice", "targets[star].bid.caller")),
    bidder('dialect: generic, url: "http://127.0.0.1/", concurrency: 0, ttl_seconds: 0', e("out_of_range", "targets[star].bid.concurrency"), e("out_of_range", "targets[star].bid.ttl_seconds")),
    bidder('dialect: generic, url: "http://127.0.0.1/", confirm: {url: "127.0.0.1", fields: {id: "[bid.id]", who: "[bid.who]"}, accepted_when: {path: "a[", equals: b}}', e("bad_url", "targets[star].bid.confirm.url"), e("unknown_attribute", "targets[star].bid.confirm.fields.who"), e("bad_bid", "targets[star].bid.confirm.accepted_when.path")),
    bidder('dialect: ringba, url: "https://rtb.ringba.com/v1/production/X.json", bid_path: price', w("no_effect", "targets[star].bid.bid_path")),
    bidder('dialect: ringba, url: "https://rtb.ringba.com/v1/production/X.json", caller: hashed', w("no_effect", "targets[star].bid.caller")),
    bidder('dialect: generic, url: "http://127.0.0.1/", number_path: to, confirm: {url: "http://127.0.0.1/", number_path: to}', w("no_effect", "targets[star].bid.number_path"), w("no_effect", "targets[star].bid.confirm.number_path")),
    bidder('dialect: retreaver, url: "https://rtb.retreaver.com/rtbs"', e("missing", "targets[star].bid.fields"), e("missing", "targets[star].bid.fields"), e("bad_bid", "targets[star].bid.url")),
    bidder('dialect: retreaver, url: "https://rtb.retreaver.com/rtbs.json", fields: {key: k, publisher_id: p}'),
    bidder('dialect: trackdrive, url: "https://x.trackdrive.com/api/v1/inbound_webhooks/post/x"', e("bad_bid", "targets[star].bid.url")),
    one(DIAL, DIAL + ', price: "9.00", bid: {dialect: generic, url: "http://127.0.0.1/"}', w("no_effect", "targets[star].price"), e("bidder_price", f"{STAR}.price"), w("bidder_outside_auction", STAR)),
    one("method: weighted", "method: performance\n        performance: {trial_offers: 0, trial_share: 0, min_samples: 1, half_life_days: 3650}\n        min_score: 1"),
    one("method: weighted", "method: performance\n        performance: {trial_share: 1.1}", e("bad_share", "plans[injury].tiers[t2].performance.trial_share")),
    one("method: weighted", "method: performance\n        performance: {half_life_days: 0}", e("out_of_range", "plans[injury].tiers[t2].performance.half_life_days")),
    one("method: weighted", "method: weighted\n        min_score: 50%", e("bad_share", "plans[injury].tiers[t2].min_score")),
    one("method: weighted", "method: weighted\n        performance: {min_samples: 5}", w("no_effect", "plans[injury].tiers[t2].performance")),
    one("{key: house}", "{key: house, min_attestation: A}"),
    one("{key: house}", "{key: house, suppress: [nobody]}", e("unknown_reference", "buyers[house].suppress[0]")),
    one("{key: house}", "{key: house, require_listed: [nobody]}", e("unknown_reference", "buyers[house].require_listed[0]")),
    one("  - {key: blocked}\n", "  - {key: a}\n  - {key: b, file: lists/b.txt}\n"),
    one("  - {key: blocked}\n", "  - {key: a, file: ../a.txt}\n", e("bad_file", "lists[a].file")),
    one("  - {key: blocked}\n", "  - {key: a}\n  - {key: a}\n", e("duplicate", "lists[a].key")),
    one("  - {key: blocked}\n", "  - {key: a, type: names}\n", e("bad_choice", "lists[a].type")),
    one("{key: house}", "{key: house, min_attestation: D}", e("bad_choice", "buyers[house].min_attestation")),
    one("{key: house}", "{key: house, not_seen_days: 30}"),
    one("{key: house}", "{key: house, not_seen_days: 0}", e("out_of_range", "buyers[house].not_seen_days")),
    one(LIMITS, "limits: [{measure: connect, per: day, max: 9, pacing: even, min_gap_seconds: 9}]"),
    one(LIMITS, "limits: [{measure: connect, per: lifetime, max: 9, pacing: even}]", e("bad_limit", "buyers[lone-star].limits[0].pacing")),
    one(LIMITS, "limits: [{measure: live, max: 9, pacing: even}]", e("bad_limit", "buyers[lone-star].limits[0].pacing")),
    one(LIMITS, "limits: [{measure: live, max: 9, min_gap_seconds: 0}]", e("out_of_range", "buyers[lone-star].limits[0].min_gap_seconds")),
    one("flow: intake", "duplicates: {mark: {event: connect, days: 30}, route: normal}\n    flow: intake"),
    one("flow: intake", "duplicates: {route: original, strict: true}\n    flow: intake"),
    one("flow: intake", "duplicates: {strict: true}\n    flow: intake", w("no_effect", "campaigns[injury].duplicates.strict")),
    one('floor: "20.00"', "reroute_seconds: 601", e("out_of_range", "plans[injury].reroute_seconds")),
    one("{target: desk,", "{hops: [6], target: desk,", e("bad_hops", "plans[injury].tiers[t2].routes[desk].hops")),
    one("percent: 60", "hold_days: 3, percent: 60", w("not_built", "campaigns[injury].payouts[1].hold_days")),
    one(DIAL, MAIL, e("missing_smtp", "targets[star].deliver.email")),
    one(DIAL, MAIL.replace("@", " "), e("bad_address", "targets[star].deliver.email.to[0]"), e("missing_smtp", "targets[star].deliver.email")),
    one(DIAL, FILES.replace("every: day", "every: hour"), e("bad_time", "targets[star].deliver.sftp.at")),
    one(DIAL, FILES.replace("SHA256:", "MD5:"), e("bad_host_key", "targets[star].deliver.sftp.host_key")),
    one(DIAL, HOOK, w("literal_secret", "targets[star].deliver.headers.X-Api-Key")),
    one("{key: own}", '{key: own, keys: ["00"]}', e("bad_publisher_key", "publishers[own].keys[0]")),
    one("{key: own}", f'{{key: own, keys: ["{64 * "a"}", "{64 * "a"}"]}}', e("duplicate", "publishers[own].keys[1]")),
    one('floor: "20.00"', "share_buyers: 0", e("out_of_range", "plans[injury].share_buyers")),
    one("{target: desk,", "{sells: twice, target: desk,", e("bad_choice", "plans[injury].tiers[t2].routes[desk].sells")),
    one("{key: own}", "{key: own, campaigns: [solar]}", e("unknown_reference", "publishers[own].campaigns[0]")),
    one("{key: own}", "{key: own, leads_per_minute: 0}", e("out_of_range", "publishers[own].leads_per_minute")),
    one("flow: intake", "leads: {same_by: [email]}\n    flow: intake", e("unknown_reference", "campaigns[injury].leads.same_by[0]")),
    one(BYE, "bye: {webhook: {url: 'https://x.example/', next: sell}}", w("not_built", f"{NODES}.bye")),
    one(BYE, "bye: {hold_queue: {seconds: 30, plan: nothing}}", e("unknown_reference", f"{NODES}.bye.plan")),
    one(BYE, "bye: {hold_queue: {position_seconds: 5}}", e("out_of_range", f"{NODES}.bye.position_seconds")),
]  # fmt: skip


def named(case: tuple[list[tuple[str, str]], list[tuple[str, str, str]]]) -> str:
    return f"{case[0][0][1][:40]!r}-{'+'.join(code for _, code, _ in case[1])}"


def test_the_sample_is_good() -> None:
    assert load(GOOD).problems == ()


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=[named(case) for case in CASES])
def test_each_problem(changes: list[tuple[str, str]], expected: list[tuple[str, str, str]]) -> None:
    loaded = load(broken(*changes))
    assert sorted(told(loaded.problems)) == sorted(expected)
    assert (loaded.snapshot is None) == any(severity == "error" for severity, _, _ in expected)
    assert all(problem.message and problem.line and problem.file == "acme.yaml" for problem in loaded.problems)


READING_CODES = {
    "not_utf8", "not_yaml", "not_json", "too_large", "too_deep", "several_documents", "tag", "unknown_alias",
    "merge_key", "misplaced", "no_engine", "too_many_problems", "bad_list",
    "foreign_secret",
}  # fmt: skip
"""Codes that have tests of their own, here, in test_reading.py or where their files are read."""


def test_every_code_has_a_case() -> None:
    assert {code for _, expected in CASES for _, code, _ in expected} | READING_CODES == set(CODES)


def test_errors_say_what_to_do() -> None:
    """A hint may be missing only where the message already says all there is to do."""
    bare = set()
    for changes, _ in CASES:
        bare |= {problem.code for problem in load(broken(*changes)).problems if not problem.hint}
    assert bare <= {"not_a_text", "out_of_range"}


def test_all_problems_are_told_at_once() -> None:
    text = broken(
        ("name: Acme Calls", "nmae: Acme"),
        ("flow: intake", "flow: intak"),
        ("percent: 60", "percent: lots"),
        ('"+18335550101"', '"8335550101"'),
        ('mon: ["08:00-18:00"]', 'mon: ["09:00-09:00"]'),
        ("timezone: America/Chicago", "timezone: Chicago"),
        ("{measure: live, max: 3}", "{measure: live, max: lots}"),
        ('dial: "sip:intake@127.0.0.1:5081"', "dial: nowhere"),
        ("method: weighted", "method: heavy"),
        ("{target: star,", "{target: starr,"),
        ("digits: 5", "digits: five"),
        ("next: sell}", "next: sel}"),
        ("default_country: US", "default_country: UK"),
    )
    errors = [problem for problem in load(text).problems if problem.severity == "error"]
    assert len(errors) == 13
    assert [error.line for error in errors] == sorted(error.line for error in errors)


def test_indexes_are_places_in_the_file_when_items_before_are_left_out() -> None:
    text = broken(
        (LIMITS, "limits: [{measure: live, max: x}, {measure: live, per: day, max: 1}, 5, {measure: convert, max: 1}]")
    )
    assert told(load(text).problems) == [
        e("bad_integer", "buyers[lone-star].limits[0].max"),
        e("not_a_mapping", "buyers[lone-star].limits[2]"),
        e("bad_limit", "buyers[lone-star].limits[1].per"),
        e("bad_limit", "buyers[lone-star].limits[3].per"),
    ]


def test_a_machine_that_cannot_speak() -> None:
    problems = load(GOOD, MUTE).problems
    assert {problem.code for problem in problems} == {"no_engine"}
    assert len(problems) == 6
    assert all("flite" in problem.hint for problem in problems)


def test_without_voices_nothing_is_asked_of_them() -> None:
    assert load(broken(('{say: "Thank you for calling."}', "{say: Hallo., lang: de}")), None).problems == ()


def test_a_percentage_out_of_range_is_told_as_it_was_written() -> None:
    (problem,) = load(broken(("{key: adwave}", "{key: adwave, margin: {percent: 140.5}}"))).problems
    assert problem.message == "140.5 is outside 0 to 100"


def test_a_flood_of_problems_ends() -> None:
    entries = "".join(f"  - {{key: p{place}, x: 1}}\n" for place in range(PROBLEMS_MAX + 500))
    problems = load(broken(("publishers:\n", "publishers:\n" + entries))).problems
    assert len(problems) == PROBLEMS_MAX + 1
    assert sum(problem.code == "too_many_problems" for problem in problems) == 1


def test_numbers_clash_across_accounts_naming_both() -> None:
    other = broken(("key: acme", "key: zeta")).partition("outbound:")[0].replace("trunk: carrier", "trunk: carrier")
    mine = GOOD.partition("outbound:")[0]
    platform = "version: 1\noutbound:" + GOOD.partition("outbound:")[2]
    loaded = load_sources(
        [
            Source("platform.yaml", platform, "platform"),
            Source("accounts/acme.yaml", mine, "account"),
            Source("accounts/zeta.yaml", other, "account"),
        ],
        "/base",
        VOICES,
    )
    assert told(loaded.problems) == [
        e("number_clash", "numbers[+18335550100].number"),
        e("number_clash", "numbers[+18335550101].number"),
    ]
    assert {problem.file for problem in loaded.problems} == {"accounts/zeta.yaml"}
    assert "'acme' and 'zeta'" in loaded.problems[0].message
    assert "accounts/acme.yaml" in loaded.problems[0].hint


def test_what_belongs_to_the_platform_cannot_stand_in_an_account() -> None:
    loaded = load_sources(
        [Source("platform.yaml", "version: 1\nflows: []\n", "platform"), Source("accounts/a.yaml", GOOD, "account")],
        "/",
        VOICES,
    )
    assert ("error", "misplaced", "flows") in told(loaded.problems)
    assert ("error", "misplaced", "trunks") in told(loaded.problems)
    assert ("error", "misplaced", "outbound") in told(loaded.problems)


def test_the_same_account_twice() -> None:
    account = GOOD.partition("outbound:")[0]
    loaded = load_sources(
        [Source("a.yaml", account, "account"), Source("b.yaml", account.replace("+1833555", "+1833556"), "account")],
        "/",
        VOICES,
    )
    assert ("error", "duplicate", "account.key") in told(loaded.problems)


def test_problems_are_json() -> None:
    from trunkline.cli.check import as_json

    entry = json.loads(as_json(load(broken(("flow: intake", "flow: intak"))).problems))[0]
    assert list(entry)[:5] == ["path", "severity", "code", "message", "hint"]
    assert entry["path"] == "campaigns[injury].flow"
    assert entry["hint"] == "did you mean 'intake'?"
