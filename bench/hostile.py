"""Hostile datagrams at a real switch with calls going on: SIP of an allowed source, SIP of strangers, RTP and RTCP.

The worst comes from where the switch must listen: a carrier's own address. Of every ten datagrams four are such SIP,
two SIP of a stranger, four go to the ports of the calls that go on. Beside every hundred of them a connection is opened
over TCP, told hostile messages and left; as many as the switch allows stay open half way through a message. The load
waits until the switch has taken a batch before it sends the next, so that none is lost in a socket's buffer and every
one counts.

`violations` has a sentence for everything that must not be: a call disturbed or ended, a frame missing that the kernel
had room for, memory that grows after the first half, a traceback, more than a few lines in the log, anything left.
"""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.load.machine import describe
from bench.load.script import NUMBER, Scenario, configuration

from trunkline.switch.open_files import take_open_files
from trunkline.testing.byhand import Caller, Peer, answers, ping
from trunkline.testing.hostile import Aim, Hostile
from trunkline.testing.ports import HOST
from trunkline.testing.switch import SwitchFailed, SwitchProcess
from trunkline.testing.voices import GoodCall, Voice, rss_mb

SUMMARY = "hostile datagrams at a switch with calls going on: memory, log, audio"

DATAGRAMS: Final = 20_000
DATAGRAMS_LONG: Final = 1_000_000
CALLS: Final = 2
CALLS_LONG: Final = 4
SEED: Final = 1
SINK: Final = "+18335550199"
STRANGER: Final = "127.0.0.9"
BATCH: Final = 100
SHARES: Final = (40, 20, 40)
"""Of a batch: SIP of the allowed source, SIP of the stranger, media."""
MEDIA_PAUSE_S: Final = 0.004
CONNECT_S_MAX: Final = 2.0
OCCUPY_EVERY: Final = 50
HALF: Final = b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nSubject: "
SAMPLES: Final = 40
GROWTH_MB_MAX: Final = {"the switch": 16.0, "a media process": 4.0}
"""What the second half may add. What is refused is remembered for 32 s, to absorb repetitions."""
LOG_LINES_MAX: Final = 20
CHURN: Final = 3
"""Messages to a connection before it is left."""
IDLE: Final = 200
IDLE_LONG: Final = 2_500
"""Connections that say half a message, and again when they are cut off. One address may have 1,000: three are used."""
CARRIERS: Final = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
LINGER_S: Final = 40.0
"""Transactions linger for 32 s; a while after that none may be left."""


class Barrage:
    """One switch under fire."""

    def __init__(self, folder: Path, stack: ExitStack, calls: int) -> None:
        self.buyer = stack.enter_context(Peer(answers()))
        self.switch = SwitchProcess(_configuration(f"{HOST}:{self.buyer.port}"), folder, legs=4 * calls + 60)
        stack.callback(self.switch.kill)
        self.switch.start()
        self.caller = stack.enter_context(Caller())
        self.calls = [self._call(stack) for _ in range(calls)]
        self.attacker = stack.enter_context(Caller(host="127.0.0.2"))
        self.attacker.keep = lambda message: message.method == "OPTIONS"
        self.stranger = stack.enter_context(Caller(host=STRANGER))
        self.media = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.media.setblocking(False)
        known = tuple(call.call.known() for call in self.calls)
        self.hostile = Hostile(SEED, Aim(SINK, self.attacker.host, self.attacker.port, known))
        self.idle: list[socket.socket] = []
        self.opened = 0
        stack.callback(lambda: [each.close() for each in self.idle])
        self.violations: list[str] = []
        self.memory: dict[str, list[float]] = {name: [] for name in GROWTH_MB_MAX}

    def _call(self, stack: ExitStack) -> GoodCall:
        """One that goes on. Its buyer answers with an audio port of its own."""
        voices = tuple(stack.enter_context(Voice(*names)) for names in (("caller", "buyer"), ("buyer", "caller")))
        self.buyer.behave = answers(voices[1].port)
        return GoodCall(self.caller, self.switch, (voices[0], voices[1]), self.buyer)

    def _connection(self, host: str) -> socket.socket:
        """A connection that is being made; nobody waits for it."""
        made = socket.socket()
        made.bind((host, 0))
        made.setblocking(False)
        made.connect_ex((HOST, self.switch.sip_port))
        self.opened += 1
        return made

    def _occupy(self, connections: int) -> None:
        """Open so many that say half a message, and say more in those that are still there."""
        for number in range(connections):
            if number == len(self.idle):
                self.idle.append(self._connection(CARRIERS[number % len(CARRIERS)]))
            try:
                self.idle[number].send(HALF)
            except BlockingIOError:
                continue
            except OSError:
                self.idle[number].close()
                self.idle[number] = self._connection(CARRIERS[number % len(CARRIERS)])

    def _churn(self) -> None:
        """One connection, told something and left."""
        with socket.socket() as made, contextlib.suppress(OSError):
            made.settimeout(CONNECT_S_MAX)
            made.bind((CARRIERS[1], 0))
            made.connect((HOST, self.switch.sip_port))
            self.opened += 1
            for _ in range(CHURN):
                made.send(self.hostile.sip())

    def fire(self, datagrams: int, connections: int) -> float:
        """Send them all; datagrams a second that were taken."""
        begin_s = time.monotonic()
        batches = max(SAMPLES, datagrams // BATCH)
        for batch in range(batches):
            self._batch()
            self._churn()
            if batch % OCCUPY_EVERY == 0:
                self._occupy(connections)
            if batch % max(1, batches // SAMPLES) == 0:
                self._sample()
                self.attacker.inbox.clear()
        return batches * BATCH / (time.monotonic() - begin_s)

    def _batch(self) -> None:
        to = (HOST, self.switch.sip_port)
        allowed, strange, media = SHARES
        for _ in range(allowed):
            self.attacker.send(self.hostile.sip(), to)
        for _ in range(strange):
            self.stranger.send(self.hostile.sip(), to)
        for number in range(media // 2):
            port = self.calls[number % len(self.calls)].ports[number // len(self.calls) % 2]
            plausible = number % 3 == 0
            self.media.sendto(self.hostile.plausible_rtp() if plausible else self.hostile.rtp(), (HOST, port))
            self.media.sendto(self.hostile.rtcp(), (HOST, port + 1))
        time.sleep(MEDIA_PAUSE_S)
        ping(self.attacker, self.switch)

    def _sample(self) -> None:
        self.memory["the switch"].append(rss_mb(self.switch.pid))
        self.memory["a media process"].append(max(map(rss_mb, self.switch.media_pids())))

    def judge(self) -> None:
        """Whether everything is as it must be."""
        for number, call in enumerate(self.calls):
            try:
                call.check()
            except (AssertionError, SwitchFailed) as error:
                self.violations.append(f"call {number}: {error}")
        if self.stranger.inbox:
            self.violations.append(f"the stranger got {len(self.stranger.inbox)} answers")
        for name, samples in self.memory.items():
            if grown_mb(samples) > GROWTH_MB_MAX[name]:
                self.violations.append(f"{name} grew by {grown_mb(samples):.1f} MB in the second half: {samples}")
        log = self.switch.log()
        if "Traceback" in log or len(log.splitlines()) > LOG_LINES_MAX:
            self.violations.append(f"{len(log.splitlines())} lines in the log: {log[-2_000:]}")

    def end(self, linger: bool) -> dict[str, float]:
        """Hang up; nothing may be left, with `linger` not even what absorbs repetitions. The last metrics."""
        for call in self.calls:
            call.hang_up()
        try:
            metrics = self.switch.idle()
            for name in ("trunkline_call_errors_total", "trunkline_leases_expired_total"):
                if metrics.get(name):
                    self.violations.append(f"{name} is {metrics[name]:g}")
            if linger:
                gone = lambda: not self.switch.metric("trunkline_sip_transactions")  # noqa: E731
                self.switch.until(gone, "no transaction left", LINGER_S)
            return self.switch.metrics()
        except SwitchFailed as error:
            self.violations.append(str(error))
            return {}


def grown_mb(samples: list[float]) -> float:
    """How much the last tenth lies above the first tenth of the second half."""
    half = samples[len(samples) // 2 :]
    few = max(1, len(half) // 5)
    return statistics.median(half[-few:]) - statistics.median(half[:few])


def run(long: bool = False, datagrams: int | None = None, calls: int | None = None) -> dict[str, object]:
    """Fire and return the document of `bench --json`."""
    datagrams = datagrams or (DATAGRAMS_LONG if long else DATAGRAMS)
    take_open_files()
    with tempfile.TemporaryDirectory(prefix="trunkline-hostile-") as folder, ExitStack() as stack:
        barrage = Barrage(Path(folder), stack, calls or (CALLS_LONG if long else CALLS))
        rate = barrage.fire(datagrams, IDLE_LONG if long else IDLE)
        barrage.judge()
        heard = sum(len(voice.heard) for call in barrage.calls for voice in call.voices)
        log_lines = len(barrage.switch.log().splitlines())
        metrics = barrage.end(linger=long)
    kinds = {name: count for name, count in metrics.items() if name.startswith("trunkline_sip_events{")}
    rows: list[dict[str, object]] = [
        {"case": "datagrams taken", "ours": datagrams, "unit": "datagrams"},
        {"case": "at", "ours": round(rate), "unit": "a second"},
        {"case": "connections opened", "ours": barrage.opened, "unit": "connections"},
        {"case": "frames heard in the calls meanwhile", "ours": heard, "unit": "frames"},
        {"case": "lines in the log", "ours": log_lines, "unit": "lines"},
        {"case": "transactions remembered at the end", "ours": metrics.get("trunkline_sip_transactions"), "unit": ""},
    ]
    for name, samples in barrage.memory.items():
        rows.append({"case": f"{name}, at the end", "ours": round(samples[-1], 1), "unit": "MB"})
        rows.append({"case": f"{name}, second half", "ours": round(grown_mb(samples), 1), "unit": "MB more"})
    rows.append({"case": "violations", "ours": len(barrage.violations), "peer": 0, "unit": "sentences"})
    return {
        "bench": "hostile",
        "ratio_to_peer": None,
        "peer": "nobody",
        "rows": rows,
        "counted": kinds,
        "violations": barrage.violations,
        "machine": describe(),
        "rounds": 1,
        "caveats": [
            f"Seed {SEED}. Attacker, callers and buyers are one Python process on this machine: the rate is theirs.",
            *(f"violation: {sentence}" for sentence in barrage.violations[:20]),
        ],
    }


def _configuration(buyer: str) -> str:
    """The sold number, and a number whose calls are taken, journaled and refused: INVITEs that are sound go there."""
    whole = json.loads(configuration(buyer, buyer, Scenario.PLAIN))
    sink = {**whole["campaigns"][0], "key": "sink", "paused": True}
    whole["campaigns"].append(sink)
    whole["numbers"] = [
        {"number": number, "campaign": campaign, "publisher": "adwave"}
        for number, campaign in ((NUMBER, "injury"), (SINK, "sink"))
    ]
    carrier = {"key": "carrier", "allow": ["127.0.0.0/30"], "default_country": "US", "same_caller_seconds": 0}
    whole["trunks"] = [carrier]
    return json.dumps(whole)
