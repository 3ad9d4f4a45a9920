"""The stage of the demo: a real switch, one address with all buyers behind it, one with all callers, and the journal.

What the audience sees comes from the journal alone. The players know what they heard, but nobody asks them.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from trunkline.engine.calls.records import CallFold, CallRecord
from trunkline.events.auctions import AuctionHeld
from trunkline.events.calls import RecordingEnded, RecordingStarted
from trunkline.events.entry import Position
from trunkline.events.switch import LeaseExpired
from trunkline.journal.reader import JournalReader
from trunkline.kernel.errors import EnvironmentFault
from trunkline.kernel.http import Answer, Request
from trunkline.outbound.client import HttpClient
from trunkline.testing.bidders.server import serving
from trunkline.testing.demo import buyers
from trunkline.testing.demo.callers import Part
from trunkline.testing.demo.child import HOST, SwitchChild
from trunkline.testing.demo.lead_log import LeadLog, LeadShown
from trunkline.testing.demo.leads import CAMPAIGN, KEY, LeadPart, lead_buyers
from trunkline.testing.line import Line

CONFIGURATION: Final = Path(__file__).with_name("demo.yaml")
BUYERS_ADDRESS: Final = f"{HOST}:5081"
"""What the configuration's targets dial; the copy beside the data has the port that was free."""
SERVERS_ADDRESS: Final = f"{HOST}:9100"
"""Where the configuration has the HTTP servers of buyers and bidders; likewise."""
POST_S_MAX: Final = 10.0
SIP_PORT: Final = 5060
SIP_PORTS_TRIED: Final = 20
CALL_S_MAX: Final = 75.0
LAST_WORDS_S: Final = 3.0
"""How long after the last call its end may take to be in the journal."""
POLL_S: Final = 0.1
HEARD_KEPT: Final = 8
"""Calls whose audio the players keep: nobody asks for it here."""
CALLS_KEPT: Final = 1_000
"""Records of calls that are kept; a demo may stay up for long."""


class Stage:
    """The demo's world while `async with` lasts; afterwards nothing of it runs any more.

    `calls` are the records of all calls since then by arrival; `auctions` those that were held;
    `bugs` counts leases that ran out.
    """

    def __init__(self, data: Path, *, fixed_address: bool = False) -> None:
        """`fixed_address` takes port 5060, or the next that is free, instead of any free one."""
        self.data = data
        self.bugs = 0
        self.auctions: list[AuctionHeld] = []
        self._fixed = fixed_address
        self._fold = CallFold()
        self._position: Position | None = None
        self._recording: set[str] = set()
        self._log = LeadLog()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """The switch takes calls. Raises EnvironmentFault that says why it cannot."""
        async with AsyncExitStack() as stack:
            # Left in the reverse order: callers hang up first, the switch ends last.
            players = buyers.one_for_all(buyers.scripts())
            desk = await stack.enter_async_context(Line(players, host=HOST, calls_kept=HEARD_KEPT))
            servers = await stack.enter_async_context(serving({**lead_buyers(), **buyers.bidders()}))
            ports = {BUYERS_ADDRESS: f"{HOST}:{desk.port}", SERVERS_ADDRESS: f"{HOST}:{servers.port}"}
            config = _write_configuration(self.data, ports)
            self.switch = await SwitchChild.start(config, self.data, f"{HOST}:{_free_port() if self._fixed else 0}")
            stack.push_async_callback(self.switch.stop)
            self._reader = stack.enter_context(JournalReader(self.data))
            self._position = self._reader.end()
            self.callers = await stack.enter_async_context(Line(host=HOST, calls_kept=HEARD_KEPT))
            self._publisher = HttpClient((f"{HOST}/32",))
            stack.push_async_callback(self._publisher.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Callers hang up, the switch ends, buyers leave."""
        await self._stack.aclose()

    @property
    def sip(self) -> str:
        """Where the switch takes calls, as HOST:PORT."""
        return self.switch.sip

    @property
    def calls(self) -> list[CallRecord]:
        """All calls so far."""
        return list(self._fold.calls.values())

    @property
    def leads(self) -> list[LeadShown]:
        """All leads that were posted so far."""
        return self._log.settle()

    def poll(self) -> list[CallRecord]:
        """Read on in the journal; the calls that changed."""
        changed: dict[str, CallRecord] = {}
        while records := self._reader.tail(self._position):
            self._position = records[-1].position
            for record in records:
                self.bugs += isinstance(record.event, LeaseExpired)
                if isinstance(record.event, RecordingStarted):
                    self._recording.add(record.event.recording)
                elif isinstance(record.event, RecordingEnded):
                    self._recording.discard(record.event.recording)
                self._log.take(record.event)
                if isinstance(record.event, AuctionHeld):
                    self.auctions.append(record.event)
                call = self._fold.apply(record.event)
                if call is not None:
                    changed[call.id] = call
        while len(self._fold.calls) > CALLS_KEPT:
            del self._fold.calls[next(iter(self._fold.calls))]
        return list(changed.values())

    async def play(self, parts: Sequence[Part], leads: Sequence[LeadPart] = ()) -> None:
        """Let every part call and every lead be posted at its time, until the last is over and the journal has it."""
        await asyncio.gather(*(self._play(part) for part in parts), *(self._post(part) for part in leads))
        deadline = asyncio.get_running_loop().time() + LAST_WORDS_S
        while not self._all_ended(parts) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - a file
            await asyncio.sleep(POLL_S)

    def _all_ended(self, parts: Sequence[Part]) -> bool:
        self.poll()
        ended = {call.caller for call in self.calls if call.outcome is not None}
        return not self._recording and ended.issuperset(part.caller for part in parts)

    async def _play(self, part: Part) -> None:
        await asyncio.sleep(part.at_s)
        call = self.callers.dial(f"sip:{part.number}@{self.sip}", part.caller)
        self.callers.play(call, part.script)
        try:
            async with asyncio.timeout(CALL_S_MAX):
                await call.wait_over(CALL_S_MAX)
        finally:
            call.hang_up()

    async def _post(self, part: LeadPart) -> None:
        """Post a lead as its publisher does, and note what it is answered."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(part.at_s)
        lead = self._log.posted(part)
        body = msgspec.json.encode({"campaign": CAMPAIGN, "source": "demo", "fields": part.fields})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        request = Request(method="POST", url=f"http://{self.switch.http}/v1/leads", headers=headers, body=body)
        began_s = loop.time()
        answer = await self._publisher.exchange(request, began_s + POST_S_MAX)
        lead.took_ms = int((loop.time() - began_s) * 1_000)
        if not isinstance(answer, Answer):
            lead.status, lead.detail = answer.why.value, answer.detail
            return
        said = msgspec.json.decode(answer.body)
        lead.id, lead.status = said.get("id"), said["status"]
        fields = ", ".join(each["code"] for each in said.get("field_errors", ()))
        lead.detail = fields or ", ".join(said.get("reasons", ())) or None


def _write_configuration(data: Path, ports: Mapping[str, str]) -> Path:
    """The demo's configuration with the addresses its buyers really have. Raises EnvironmentFault."""
    text = CONFIGURATION.read_text()
    for written, real in ports.items():
        text = text.replace(written, real)
    config = data / "demo.yaml"
    try:
        data.mkdir(parents=True, exist_ok=True)
        config.write_text(text)
    except OSError as error:
        raise EnvironmentFault(
            f"{config} cannot be written: {error.strerror}", hint="choose another folder with --data"
        ) from error
    return config


def _free_port() -> int:
    """5060, or the next port that is free. Raises EnvironmentFault."""
    for port in range(SIP_PORT, SIP_PORT + SIP_PORTS_TRIED):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
            try:
                tried.bind((HOST, port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                continue
        return port
    last = SIP_PORT + SIP_PORTS_TRIED - 1
    raise EnvironmentFault(
        f"none of the ports {SIP_PORT} to {last} of {HOST} is free", hint="`ss -ulnp` shows who has them"
    )
