"""The numbers of the page on robustness are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from trunkline.codec import rtp
from trunkline.config.flows import HoldQueue
from trunkline.engine.calls.talking import HOPS_MAX
from trunkline.engine.flow.machine import VISITS_MAX
from trunkline.engine.geo import imports
from trunkline.engine.lists.reading import ENTRIES_MAX
from trunkline.journal.store import MIN_FREE_MB, WAITING_MAX
from trunkline.media.embedded.keys import PRESSED_MAX
from trunkline.media.embedded.leg import KEYS_AT_ONCE, KEYS_PER_S
from trunkline.media.embedded.srtp import SOURCES_MAX
from trunkline.sip import media_lines, throttle
from trunkline.sip.limits import MessageLimits, StateLimits, StreamLimits
from trunkline.switch import http_guard
from trunkline.switch.commands import server, wire
from trunkline.switch.commands.geo import READING_S
from trunkline.switch.contacts import CONTACTS_MAX
from trunkline.switch.geo import UNKNOWN_SHOWN
from trunkline.switch.history import EVENTS_MAX, HISTORIES_MAX
from trunkline.switch.leads import resale
from trunkline.switch.leads.held import HELD_MAX
from trunkline.switch.options import SwitchOptions
from trunkline.switch.outbox import LEADS_MAX
from trunkline.switch.repeats import REPEATS_MAX
from trunkline.switch.returns import OPEN_MAX
from trunkline.switch.service import HALF_OPEN_MIN
from trunkline.telephony.sip.connection import ConnectionLimits
from trunkline.telephony.sip.doors import PEERS_MAX
from trunkline.telephony.sip.driver import MESSAGES_BURST_S, MESSAGES_PER_S
from trunkline.worker.batch.csv_file import FIELD_LENGTH_MAX
from trunkline.worker.batch.rows import COLUMNS_MAX, ROWS_MAX
from trunkline.worker.batch.sheet_file import UNPACKED_BYTES_MAX

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "robustness.md"
STATE, MESSAGE, STREAM, CONNECTION = StateLimits(), MessageLimits(), StreamLimits(), ConnectionLimits()
HTTP = http_guard
OPTIONS = {field.name: field.default for field in msgspec.structs.fields(SwitchOptions)}
DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(HoldQueue)}
ROWS = {
    "hosts that are heard": (PEERS_MAX,),
    "messages of one host, UDP": (MESSAGES_PER_S,),
    "new calls of one host": (STATE.max_invites_per_s,),
    "calls without a final answer": (HALF_OPEN_MIN,),
    "transactions remembered": (STATE.max_transactions, STATE.max_transactions_per_source),
    "answers of one forked call": (STATE.max_forks,),
    "head of a message": (MESSAGE.max_head, MESSAGE.max_headers, MESSAGE.max_start_line),
    "a message over UDP, over a stream": (MESSAGE.max_datagram, STREAM.max_body),
    "connections": (CONNECTION.connections, CONNECTION.connections_per_source),
    "TLS handshake": (CONNECTION.handshake_s,),
    "one message on a stream": (CONNECTION.partial_s,),
    "a connection that has said nothing, or proved nothing where it must": (CONNECTION.mute_s,),
    "a connection that says nothing more": (CONNECTION.idle_s,),
    "unsent bytes to a peer that does not read": (CONNECTION.unsent_bytes,),
    "guesses of a password": (throttle.CREDIT_MAX, throttle.FAILURE_COST, throttle.SILENCE_S),
    "a media packet": (rtp.PACKET_SIZE_MAX,),
    "keys of one party": (KEYS_AT_ONCE, KEYS_PER_S, PRESSED_MAX),
    "sources (SSRC) of one party under one SRTP key": (SOURCES_MAX,),
    "silence of a party": (OPTIONS["dead_media_s"],),
    "appends that wait for the disk": (WAITING_MAX,),
    "free disk": (MIN_FREE_MB,),
    "callers remembered as having called before": (CONTACTS_MAX,),
    "contacts whose past is remembered": (HISTORIES_MAX, EVENTS_MAX),
    "callers and numbers remembered as called twice": (REPEATS_MAX,),
    "HTTP connections of a listener": (HTTP.CONNECTIONS_MAX, HTTP.CONNECTIONS_PER_SOURCE_MAX),
    "an HTTP request": (HTTP.REQUEST_S_MAX, HTTP.HEAD_BYTES_MAX),
    "commands that are connected": (server.CONNECTIONS_MAX, wire.LINE_BYTES_MAX, server.IDLE_S_MAX),
    "an imported table of the numbering plan": (imports.BYTES_MAX, imports.ROWS_MAX, imports.PLACES_MAX, READING_S),
    "unknown area codes that are remembered": (UNKNOWN_SHOWN,),
    "entries of a contact list": (ENTRIES_MAX,),
    "callers that a queue holds": (DEFAULTS["max_callers"],),
    "leads that wait until a person has looked at them": (HELD_MAX,),
    "leads that are to be offered again": (resale.WAITING_MAX, resale.AT_ONCE),
    "leads in the outbox": (LEADS_MAX,),
    "returns that nobody has decided upon": (OPEN_MAX,),
    "rows of a file of leads": (ROWS_MAX, COLUMNS_MAX, FIELD_LENGTH_MAX, UNPACKED_BYTES_MAX >> 20),
    "searches for another buyer after a hang-up": (HOPS_MAX,),
    "steps of one call through its flow": (VISITS_MAX,),
}


def rows() -> dict[str, str]:
    """What the page says of number and consequence, by what is limited."""
    table = PAGE.read_text().split("## The limits", 1)[1].split("\n## ", 1)[0]
    cells = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {cell[0].strip(): " ".join(cell[1:3]) for cell in cells}


@pytest.mark.parametrize("limited", sorted(ROWS))
def test_the_number_is_that_of_the_code(limited: str) -> None:
    said = rows()[limited]
    for number in ROWS[limited]:
        assert f"{number:,.0f}" in re.findall(r"[0-9][0-9,]*[0-9]|[0-9]", said), (limited, number)


def test_what_has_no_number_of_its_own_is_as_the_page_says() -> None:
    assert MESSAGES_BURST_S == 2.0
    assert throttle.CHALLENGE_COST == throttle.CREDIT_PER_S == 1.0
    assert (media_lines.MAX_BYTES, media_lines.MAX_LINES, media_lines.MAX_MEDIA) == (16_384, 512, 16)
