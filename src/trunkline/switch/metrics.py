"""What is counted and measured, in the names that Prometheus is told."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from trunkline.engine.leads.outcomes import LeadOutcome

disable_created_metrics()  # type: ignore[no-untyped-call]

_FAST_S = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05)
_SLOW_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SCORES = (1.5, 2.0, 2.5, 3.0, 3.3, 3.6, 3.8, 4.0, 4.2, 4.3, 4.4)


class Metrics:
    """One registry for one switch."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter("trunkline_calls", "Calls ended, by outcome.", ["outcome"], registry=self.registry)
        self.attempts = Counter(
            "trunkline_attempts", "Offers that were made, by outcome.", ["outcome"], registry=self.registry
        )
        self.refused = Counter(
            "trunkline_refused", "INVITEs that were not taken, by reason.", ["reason"], registry=self.registry
        )
        self.attestations = Counter(
            "trunkline_attestations",
            "Signatures of callers' numbers by result: valid, invalid, unknown, or unchecked because too many waited.",
            ["result"],
            registry=self.registry,
        )
        self.registered = Gauge(
            "trunkline_registered",
            "1 while a trunk that registers at its carrier is registered there, by trunk.",
            ["trunk"],
            registry=self.registry,
        )
        self.live_calls = Gauge("trunkline_live_calls", "Calls that are going on.", registry=self.registry)
        self.live_legs = Gauge(
            "trunkline_live_legs", "Buyers' legs that are offered, ringing or connected.", registry=self.registry
        )
        self.live_leases = Gauge("trunkline_live_leases", "Leases that hold seats.", registry=self.registry)
        self.kept_leases = Gauge(
            "trunkline_kept_leases", "Ended attempts whose seats wait for a conversion.", registry=self.registry
        )
        self.leases_expired = Counter(
            "trunkline_leases_expired", "Leases that nobody released: each is a bug.", registry=self.registry
        )
        self.call_errors = Counter("trunkline_call_errors", "Calls ended by an error of ours.", registry=self.registry)
        self.orphans = Counter(
            "trunkline_orphans",
            "Legs that a crash left behind: `ended` by their peers' word, or `unknown`, their seats held for a minute.",
            ["result"],
            registry=self.registry,
        )
        self.decision = Histogram(
            "trunkline_decision_seconds", "Finding and reserving one offer.", buckets=_FAST_S, registry=self.registry
        )
        self.post_dial = Histogram(
            "trunkline_post_dial_seconds",
            "From the start of routing to the first INVITE to a buyer.",
            buckets=_SLOW_S,
            registry=self.registry,
        )
        self.journal = Histogram(
            "trunkline_journal_seconds", "From append to durable.", buckets=_SLOW_S, registry=self.registry
        )
        self.journal_healthy = Gauge(
            "trunkline_journal_healthy", "1 when new work may be taken.", registry=self.registry
        )
        self._measure_the_wire()
        self._measure_configurations()
        self._measure_callers()
        self._measure_audio()
        self._measure_leads()
        self._measure_pings()
        self._measure_auctions()
        self.sip_connections = Gauge(
            "trunkline_sip_connections",
            "TCP and TLS connections of SIP that are open or being made.",
            registry=self.registry,
        )
        self.http_refused = Counter(
            "trunkline_http_refused",
            "HTTP connections that were cut off, or answered with 400, by reason.",
            ["reason"],
            registry=self.registry,
        )

    def _measure_leads(self) -> None:
        """Leads, and the posts to their buyers."""
        self.leads = Counter("trunkline_leads", "Leads ended, by outcome.", ["outcome"], registry=self.registry)
        self.leads_by_outcome = {each.value: self.leads.labels(each.value) for each in LeadOutcome}
        self.leads_refused = Counter(
            "trunkline_leads_refused",
            "Posted leads that were not taken, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.deliveries = Counter(
            "trunkline_deliveries", "Posts of leads to buyers, by outcome.", ["outcome"], registry=self.registry
        )
        self.lookups = Counter(
            "trunkline_lead_lookups", "Look-ups about leads, by what came of them.", ["outcome"], registry=self.registry
        )
        self.claims = Counter(
            "trunkline_lead_claims",
            "TrustedForm certificates, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.lead_seconds = Histogram(
            "trunkline_lead_seconds", "From the form of a lead to its answer.", buckets=_SLOW_S, registry=self.registry
        )
        self.live_leads = Gauge("trunkline_live_leads", "Leads that are being sold.", registry=self.registry)
        self.held_leads = Gauge(
            "trunkline_held_leads", "Leads that wait until a person has looked at them.", registry=self.registry
        )
        self.aged_leads = Gauge(
            "trunkline_aged_leads", "Leads that nobody took and that are to be offered again.", registry=self.registry
        )
        self.outbox = Gauge(
            "trunkline_outbox", "Leads that wait to be sent, and dead letters.", ["state"], registry=self.registry
        )
        self.open_returns = Gauge(
            "trunkline_open_returns", "Returns that nobody has decided upon.", registry=self.registry
        )
        self.lead_errors = Counter("trunkline_lead_errors", "Leads ended by an error of ours.", registry=self.registry)

    def _measure_pings(self) -> None:
        """What publishers ask, and are bid."""
        self.pings = Counter(
            "trunkline_pings",
            "What came of pings, by kind (lead, call) and result: bid, repeated, no_bid, refused, confirmed, "
            "no_target, used, changed, lapsed.",
            ["kind", "result"],
            registry=self.registry,
        )
        self.ping_requests = Counter(
            "trunkline_ping_requests",
            "Requests of publishers who sell by ping, by path and status.",
            ["path", "status"],
            registry=self.registry,
        )
        self.ping_seconds = Histogram(
            "trunkline_ping_seconds", "From a ping's arrival to its answer.", buckets=_SLOW_S, registry=self.registry
        )
        self.bids = Gauge("trunkline_bids", "Bids to publishers that are remembered.", registry=self.registry)

    def _measure_auctions(self) -> None:
        """Bidders that are asked."""
        self.bidder_pings = Counter(
            "trunkline_bidder_pings",
            "Bidders of auctions by what came of asking them; repeated: the bid for the same caller still stood.",
            ["fate"],
            registry=self.registry,
        )
        self.auction = Histogram(
            "trunkline_auction_seconds",
            "From the beginning of an auction to its settlement.",
            buckets=_SLOW_S,
            registry=self.registry,
        )
        self.open_bidder_pings = Gauge(
            "trunkline_bidder_pings_open", "Requests to bidders that are open.", registry=self.registry
        )
        self.bidders_down = Gauge(
            "trunkline_bidders_down", "Bidders that are not asked for now.", registry=self.registry
        )

    def _measure_audio(self) -> None:
        """What parties hear."""
        self.media_ports = Gauge("trunkline_media_free_legs", "Legs that could be opened now.", registry=self.registry)
        self.mos = Histogram(
            "trunkline_leg_mos",
            "Estimate of how a party was heard, 1 to 4.4, by side.",
            ["side"],
            buckets=_SCORES,
            registry=self.registry,
        )

    def _measure_the_wire(self) -> None:
        """SIP, and the servers that calls are sent to."""
        self.sip = Gauge(
            "trunkline_sip_events",
            "What the SIP core has counted since the start: retransmissions, refusals, malformed messages.",
            ["kind"],
            registry=self.registry,
        )
        self.sip_legs = Gauge(
            "trunkline_sip_legs", "SIP legs that are not gone, callers' and buyers'.", registry=self.registry
        )
        self.sip_transactions = Gauge(
            "trunkline_sip_transactions",
            "SIP transactions that are remembered, those included that only absorb repetitions for 32 s.",
            registry=self.registry,
        )
        self.probes = Counter(
            "trunkline_probes",
            "OPTIONS sent to see whether a server lives, by result.",
            ["result"],
            registry=self.registry,
        )
        self.circuits = Gauge(
            "trunkline_circuits_open", "Servers that no calls are sent to for now.", registry=self.registry
        )
        self.waiting = Gauge("trunkline_callers_waiting", "Callers who are held in a queue.", registry=self.registry)
        self.targets_down = Gauge("trunkline_targets_down", "Targets that are out of service.", registry=self.registry)
        self.moves = Counter(
            "trunkline_attempts_moved",
            "Servers that did not take a call which went on to the next one, by reason.",
            ["reason"],
            registry=self.registry,
        )

    def _measure_configurations(self) -> None:
        """What is in force."""
        self.snapshot = Gauge(
            "trunkline_snapshot", "1 for the configuration in force.", ["digest"], registry=self.registry
        )
        self.reloads = Counter(
            "trunkline_reloads", "Changes of the configuration, by result.", ["result"], registry=self.registry
        )

    def _measure_callers(self) -> None:
        """What is not known of those who call."""
        self.unknown_area_codes = Counter(
            "trunkline_unknown_area_codes",
            "Calls from area codes of the North American plan that no table has; `geo show` names them.",
            registry=self.registry,
        )
