"""The switch's life: open everything in order, take calls, drain, close everything in the reverse order.

Order matters. The journal is opened first, because it knows what the process before left behind; its calls are ended
in the journal before the listener is opened, and their peers are told as soon as it is. Nothing is answered before
`ready` is printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from trunkline import __version__
from trunkline.capacity.memory import MemoryCapacity
from trunkline.engine.calls import inputs as i
from trunkline.events.entry import Entry
from trunkline.events.switch import LeaseExpired, SwitchStarted, SwitchStopped
from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.recovery import RecoveredState
from trunkline.journal.store import open_journal
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.errors import EnvironmentFault
from trunkline.kernel.leases import LEASE_RENEW_S
from trunkline.media.embedded.backend import EmbeddedMedia
from trunkline.sip.limits import StateLimits
from trunkline.switch.arrivals import Arrivals
from trunkline.switch.attestation import Attestations
from trunkline.switch.clock import read_clock
from trunkline.switch.collector import Collector
from trunkline.switch.commands.executor import Executor
from trunkline.switch.commands.registry import COMMANDS
from trunkline.switch.commands.server import AdminSocket
from trunkline.switch.entropy import Entropy
from trunkline.switch.leads.claims import read_unclaimed
from trunkline.switch.leads.intake import lead_routes
from trunkline.switch.leads.recovery import go_on, read_left
from trunkline.switch.leads.telling import telling_routes
from trunkline.switch.learning import Learning
from trunkline.switch.metrics import Metrics
from trunkline.switch.open_files import connection_limits, take_open_files
from trunkline.switch.options import SwitchOptions
from trunkline.switch.orphans import Orphans
from trunkline.switch.pings.intake import ping_routes
from trunkline.switch.plant import Plant
from trunkline.switch.registry import Registry
from trunkline.switch.reload import Reloader, first_world, keep
from trunkline.switch.switchboard import Switchboard
from trunkline.switch.web import WebListener, health_routes, metrics_route
from trunkline.switch.world import World
from trunkline.telephony.sip.driver import SipDriver
from trunkline.telephony.sip.listening import Places
from trunkline.telephony.sip.registrations import Registrations
from trunkline.telephony.sip.resolver import Resolver

log = logging.getLogger("trunkline.switch")

STREAM = "switch-1"
"""The journal stream of the one switch of an installation."""
SWEEP_S = 1.0
HALF_OPEN_MIN = 300
CUT_S = 2.0
"""How long legs get to be hung up after a drain has run out."""


class DataFolderUnusable(EnvironmentFault):
    """The data folder is not there and cannot be made."""


class Switch:
    """One running switch."""

    def __init__(self, options: SwitchOptions, plant: Plant, state: RecoveredState) -> None:
        self._options = options
        self._plant = plant
        self._state = state
        self._registry = Registry()
        self._orphans = Orphans(plant)
        self._draining = False
        self._stop = asyncio.Event()
        self._hurry = False
        self._tasks: list[asyncio.Task[None]] = []
        self._endless: list[asyncio.Task[None]] = []
        self._last_snapshot = ""
        self._renewed_ns = 0
        self._refusing = False

    @classmethod
    async def open(cls, options: SwitchOptions) -> Switch:
        """Open stores, media and listeners. Raises TrunklineError with what to do when one cannot be opened."""
        _make_folder(options.data)
        world = await asyncio.to_thread(first_world, options.config, options.data)
        journal, state = open_journal(
            options.data, STREAM, Entropy(), now_ms=read_clock().utc_ms, min_free_mb=options.min_free_mb
        )
        advertised = options.public_address or options.rtp_host or options.sip[0][0]
        media = EmbeddedMedia(
            options.rtp_host or options.sip[0][0],
            advertised,
            *options.rtp_ports,
            children=options.media_processes,
            dead_media_ms=options.dead_media_s * 1000 or None,
        )
        plant = Plant(
            loop=asyncio.get_running_loop(),
            clock=read_clock,
            entropy=Entropy(),
            data=options.data,
            contact_secret=state.contact_secret,
            world=world,
            journal=journal,
            capacity=MemoryCapacity(),
            media=media,
            metrics=Metrics(),
            resolver=Resolver(options.dns, ipv6=any(":" in host for host, _ in options.sip)),
        )
        switch = cls(options, plant, state)
        try:
            await switch._start()
        except BaseException:
            await media.stop()
            await journal.close()
            raise
        return switch

    async def _start(self) -> None:
        plant, options = self._plant, self._options
        plant.capacity.restore(self._state, plant.clock())
        plant.facts.restore(self._state.rates, self._state.penalties)
        plant.pings.restore(self._state.pings, self._state.leases)
        plant.presence.restore(self._state.targets, plant.clock())
        plant.keys.restore(self._state.publisher_keys)
        plant.returns.restore(self._state.returns)
        plant.outbox.restore(self._state.outbox)
        await asyncio.to_thread(plant.geo.load)
        self._learning = Learning(options.data, plant.journal, plant.clock().utc_ms)
        plant.contacts = self._learning.contacts
        plant.histories = self._learning.histories
        await asyncio.to_thread(plant.lists.restore, self._state.lists)
        self._attestations = Attestations(plant)
        arrivals = Arrivals(plant, self._registry, self._attestations)
        board = Switchboard(plant, self._registry, arrivals, self._orphans)
        plant.media.on_event = board.on_media

        def refused(why: str) -> None:
            plant.metrics.http_refused.labels(why).inc()

        self._web = [
            WebListener(
                options.http,
                [
                    *health_routes(self.not_ready),
                    *lead_routes(plant, self.not_ready),
                    *ping_routes(plant, self.not_ready),
                    *telling_routes(plant),
                ],
                "--http",
                refused,
            ),
            WebListener(
                options.admin,
                [*health_routes(self.not_ready), metrics_route(plant.metrics, self._refresh)],
                "--admin",
                refused,
            ),
        ]
        plant.listeners = dict(zip(("http", "admin"), (listener.address for listener in self._web), strict=True))
        places = Places(options.sip, options.sip_tls, options.public_address or "", options.tls)
        limits = state_limits(*options.rtp_ports)
        plant.sip = SipDriver(
            places,
            plant.world.doors,
            plant.entropy,
            board.on_sip,
            state_limits=limits,
            connection_limits=connection_limits(take_open_files()),
        )
        plant.registrations = Registrations(plant.sip, plant.hops_of, Entropy(), plant.loop)
        plant.sip.gate.registered = lambda host, request: plant.registrations.trunk_of(host, request) is not None
        await plant.media.start()
        await self._orphans.end_calls(self._state)
        started = SwitchStarted(at_ms=plant.clock().utc_ms, version=__version__, snapshot=plant.world.snapshot.digest)
        await plant.journal.append([Entry(started)], finishing=True)
        plant.sip.start()
        plant.held.restore(self._state.leads)
        plant.resales.restore(self._state.resales)
        going = [lead for lead in self._state.leads if lead.held is None]
        left = await asyncio.to_thread(read_left, options.data, going)
        going_on = {lead.sale.lease for lead in left if lead.sale is not None}
        self._orphans.hang_up(self._state.legs, [each for each in self._state.leases if each.id not in going_on])
        self._reloader = plant.reloader = Reloader(plant, options.config, self._use)
        self._use(plant.world)
        self._left_leads = go_on(plant, left)
        plant.claims.go_on(await asyncio.to_thread(read_unclaimed, options.data, self._state.claims))
        await asyncio.to_thread(keep, options.data, options.config, plant.world)
        self._admin = AdminSocket(options.data, Executor(plant, options.data, COMMANDS))
        await self._admin.open()

    def ready_line(self) -> str:
        """Where the switch listens, in one line that programs read."""
        http, admin = self._web
        sip = self._plant.sip.addresses
        addresses = {"sip": sip["udp"], "sips": sip["tls"], "http": [http.address], "admin": [admin.address]}
        told = (f"{name}={','.join(map(_text, each))}" for name, each in addresses.items() if each)
        return "ready " + " ".join(told)

    def live_calls(self) -> int:
        """How many calls go on."""
        return len(self._registry.calls)

    def not_ready(self) -> str | None:
        """Why no new calls are taken, None when they are."""
        if self._draining:
            return "draining"
        return None if self._plant.journal.healthy else self._plant.journal.reason or "the journal is not healthy"

    def _tell_readiness(self) -> None:
        """Write into the log that new calls are refused from now on, or taken again."""
        refusing = not self._plant.journal.healthy
        if refusing and not self._refusing:
            log.error("new calls are refused: %s", self._plant.journal.reason)
        elif self._refusing and not refusing:
            log.info("new calls are taken again")
        self._refusing = refusing

    def _use(self, world: World) -> None:
        self._plant.world = world
        self._plant.lists.use(world)
        self._plant.publishers.use(world)
        self._plant.use_networks(world.snapshot.platform.outbound.allow_networks)
        self._plant.bidding.use(world)
        self._plant.sip.doors = world.doors
        self._plant.sip.reload_tls()
        self._plant.sip.gate.use(world.snapshot.platform, world.logins.theirs)
        self._plant.registrations.use(world.trunks, world.logins.ours)
        self._plant.presence.use(index.config for index in world.accounts.values())
        self._plant.health.use(world.watched)
        if self._last_snapshot:
            self._plant.metrics.snapshot.remove(self._last_snapshot)
        self._last_snapshot = world.snapshot.digest
        self._plant.metrics.snapshot.labels(self._last_snapshot).set(1)

    def _refresh(self) -> None:
        """Bring the gauges up to date that are read off other parts."""
        plant = self._plant
        plant.metrics.live_calls.set(len(self._registry.calls))
        plant.metrics.live_leads.set(len(plant.leads.live))
        plant.metrics.held_leads.set(len(plant.held))
        plant.metrics.aged_leads.set(len(plant.resales))
        plant.metrics.open_returns.set(len(plant.returns))
        for state, count in plant.outbox.counts.items():
            plant.metrics.outbox.labels(state).set(count)
        plant.metrics.bids.set(len(plant.pings.book))
        plant.metrics.live_leases.set(plant.capacity.leases())
        plant.metrics.kept_leases.set(plant.capacity.kept())
        plant.metrics.circuits.set(plant.health.open_circuits())
        plant.metrics.waiting.set(len(plant.queues))
        plant.metrics.targets_down.set(plant.health.targets_down())
        plant.metrics.open_bidder_pings.set(plant.bidding.open)
        plant.metrics.bidders_down.set(plant.bidding.bidders_down())
        plant.metrics.journal_healthy.set(plant.journal.healthy)
        plant.metrics.media_ports.set(plant.media.free_ports())
        plant.metrics.sip_connections.set(len(plant.sip.streams))
        plant.metrics.sip_legs.set(plant.sip.endpoint.live_legs)
        plant.metrics.sip_transactions.set(plant.sip.endpoint.live_transactions)
        plant.metrics.registered.clear()
        for trunk, registered in plant.registrations.states().items():
            plant.metrics.registered.labels(trunk).set(registered)
        for kind, count in plant.sip.endpoint.counters.items():
            plant.metrics.sip.labels(kind).set(count)
        for kind, count in plant.sip.dropped.items():
            plant.metrics.sip.labels(f"dropped_{kind}").set(count)

    async def run(self) -> None:
        """Take calls until told to stop, then drain and close."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._told_to_reload)
        names = self._plant.names.keep_fresh(lambda: self._plant.world.places)
        endless = (
            self._reloader.run(),
            self._tend(),
            names,
            self._plant.health.run(),
            self._attestations.run(),
            self._plant.queues.run(),
            self._plant.bidding.run(),
            self._plant.presence.run(),
            self._plant.returns.run(),
            self._plant.held.run(),
            self._plant.resales.run(),
        )
        self._endless = [loop.create_task(work) for work in endless]
        self._tasks = [*self._endless, *(loop.create_task(listener.serve()) for listener in self._web)]
        stopping = loop.create_task(self._stop.wait())
        learning = loop.create_task(self._learning.run())
        print(self.ready_line(), flush=True)
        self._tell_readiness()
        done, _ = await asyncio.wait([stopping, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        if stopping not in done:
            log.error("a part of the switch has ended by itself; stopping")
        await self._drain()
        self._learning.stop()
        await learning
        await self._close()
        for task in done - {stopping}:
            task.result()

    def _told_to_reload(self) -> None:
        """Read the certificates and the configuration again; each of them even if the other is of no use."""
        self._plant.sip.reload_tls()
        self._reloader.ask()

    def _told_to_stop(self) -> None:
        """Stop when the calls have ended; told once more, end them."""
        if self._stop.is_set() and not self._hurry:
            self._hurry = True
            log.warning("told to stop a second time: the %d calls that go on are ended", len(self._registry.calls))
        self._stop.set()

    async def _tend(self) -> None:
        """Look after what nobody asks for: readiness that has changed, leases that run out."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self._tell_readiness()
            self._tend_leases(self._plant.clock())
            self._plant.pings.sweep(self._plant.clock())

    def _tend_leases(self, now: Instant) -> None:
        """Renew the leases of live calls, then find those that ran out: nobody released them, a bug to be seen.

        In this order, so that a process that was stopped for longer than leases live does not lose those of its calls.
        """
        if now.mono_ns - self._renewed_ns >= LEASE_RENEW_S * SECOND:
            self._renewed_ns = now.mono_ns
            for call in self._registry.calls.values():
                for lease in filter(None, (call.lease, call.seat)):
                    self._plant.capacity.renew(lease, now)
            self._plant.leads.renew(now)
            self._plant.called.renew(now)
        lost = [
            Entry(
                LeaseExpired(
                    at_ms=now.utc_ms, account=each.account, call=each.call, attempt=each.attempt, lease=each.id
                )
            )
            for each in self._plant.capacity.sweep(now)
        ]
        self._plant.metrics.leases_expired.inc(len(lost))
        self._plant.write(lost)

    async def _drain(self) -> None:
        """New calls get 503; those that go on may end by themselves for a while, then they are ended.

        A second signal makes the while short.
        """
        self._draining = True
        self._plant.sip.endpoint.draining = True
        log.info("draining %d calls, at most %d s", len(self._registry.calls), self._options.drain_s)
        leads = self._plant.leads
        await _until(lambda: self._hurry or not (self._registry.calls or leads.live), self._options.drain_s)
        leads.cut()
        cut = list(self._registry.calls.values())
        for call in cut:
            call.tell(i.HangUp("drain"))
        await _until(lambda: not self._registry.calls, CUT_S)
        await _until(lambda: not self._plant.sip.endpoint.live_legs, CUT_S)
        await _until(lambda: not self._registry.closing, CUT_S)
        self._registry.closing.clear()  # what is measured later still is not told: the stop is the last event
        await self._plant.claims.finish(CUT_S)
        await self._admin.close()
        # Last, because some carriers end the calls of whoever leaves.
        self._plant.registrations.leave()
        await _until(lambda: not self._plant.registrations.busy, CUT_S)
        stopped = SwitchStopped(at_ms=self._plant.clock().utc_ms, calls_cut=len(cut))
        with contextlib.suppress(JournalUnavailable):
            written = self._plant.write([Entry(stopped)])
            assert written is not None
            await written

    async def _close(self) -> None:
        for listener in self._web:
            listener.stop()
        for task in self._endless:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._left_leads, return_exceptions=True)
        self._plant.sip.close()
        await self._plant.close_http()
        self._plant.posts.close()
        await self._plant.media.stop()
        await self._plant.journal.close()


def _make_folder(folder: Path) -> None:
    """Make the data folder, for its owner alone. Raises DataFolderUnusable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is not a folder" if folder.exists() else error.strerror or str(error)
        raise DataFolderUnusable(
            f"the data folder {folder} cannot be made: {reason}", hint="--data names a folder this user may write in"
        ) from error


async def _until(done: Callable[[], bool], seconds: float) -> None:
    """Wait until `done`, but no longer than `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not done() and loop.time() < deadline:  # noqa: ASYNC110 - asked rarely, of parts that tell nobody
        await asyncio.sleep(0.02)


def state_limits(first_port: int, last_port: int) -> StateLimits:
    """As many calls may wait for an answer as the audio ports could connect to buyers, of one host two thirds of it.

    A leg has two ports, a connected call two legs. A range for few calls sets no limit of its own here: running out of
    audio ports does.
    """
    calls = max(HALF_OPEN_MIN, (last_port - first_port + 1) // 4)
    return StateLimits(max_half_open=calls, max_half_open_per_source=calls * 2 // 3)


def _text(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def run_switch(options: SwitchOptions) -> None:
    """Open a switch and run it until SIGTERM or SIGINT; another one of them ends the calls that still go on."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Each listener would tell of its own start and end, and of every request that is none; those are counted.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    switch = await Switch.open(options)
    collector = Collector(switch.live_calls)
    collector.look_through()  # before anybody is told that calls may come
    looking = asyncio.create_task(collector.run())
    await switch.run()
    looking.cancel()
