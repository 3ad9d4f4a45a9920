"""The smallest and largest value of every whole number that can be set. Used for checking and for the reference."""

from __future__ import annotations

from typing import Final

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
from trunkline.config.shapes_flow import Webhook

DAY_S: Final = 86_400
YEARS_DAYS: Final = 3_650

RANGES: Final[dict[type, dict[str, tuple[int, int]]]] = {
    schema.Limit: {"max": (0, 10**15), "min_gap_seconds": (1, DAY_S)},
    schema.ConversionRule: {
        "seconds": (0, DAY_S),
        "offset_seconds": (-3_600, 3_600),
        "decide_within_seconds": (1, 400 * DAY_S),
    },
    schema.Payout: {"percent": (0, 1_000_000), "seconds": (0, DAY_S), "hold_days": (0, YEARS_DAYS)},
    review_rules.Review: {"expire_hours": (1, 24 * 90)},
    review_rules.Resale: {"after_hours": (1, 24 * 90), "max_age_days": (1, 365), "times": (1, 10)},
    return_rules.Returns: {"within_days": (1, 365), "decide_within_days": (1, 90)},
    contacts.PayoutDuplicates: {"days": (1, YEARS_DAYS)},
    contacts.MarkDuplicates: {"days": (1, YEARS_DAYS)},
    schema.Account: {"ring_seconds": (1, 300), "max_duration_seconds": (1, DAY_S)},
    schema.Campaign: {"ring_seconds": (1, 300), "max_duration_seconds": (1, DAY_S)},
    schema.Buyer: {"ring_seconds": (1, 300), "max_duration_seconds": (1, DAY_S), "not_seen_days": (1, YEARS_DAYS)},
    schema.Target: {
        "ring_seconds": (1, 300),
        "max_duration_seconds": (1, DAY_S),
        "first_response_seconds": (1, 60),
        "keepalive_seconds": (1, 3_600),
        "press_seconds": (1, 120),
        "wrap_up_seconds": (1, 3_600),
        "conversion_offset_seconds": (-3_600, 3_600),
    },
    schema.Publisher: {
        "leads_per_minute": (1, 1_000_000),
        "pings_per_minute": (0, 1_000_000),
        "ping_budget": (0, 1_000_000_000),
    },
    selling.CallBids: {"ttl_seconds": (5, 300)},
    selling.Margin: {"percent": (0, 10_000)},
    selling.MarginRange: {"percent": (0, 10_000)},
    schema.PauseAfter: {"no_answers": (1, 100), "window_seconds": (1, DAY_S), "cool_down_seconds": (1, DAY_S)},
    schema.Route: {
        "ring_seconds": (1, 300),
        "max_duration_seconds": (1, DAY_S),
        "priority": (0, 1_000_000),
        "weight": (0, 1_000_000),
    },
    bids.Bid: {"timeout_ms": (10, 10_000), "ttl_seconds": (1, 3_600), "concurrency": (1, 10_000)},
    bids.Confirm: {"timeout_ms": (10, 10_000)},
    bids.BidsWhen: {"status": (100, 599)},
    trunks.TrunkRegister: {"seconds": (60, DAY_S)},
    lead_fields.LeadField: {"max_length": (1, 10_000)},
    deliveries.Deliver: {
        "deadline_ms": (10, 60_000),
        "concurrency": (1, 1_000),
        "per_minute": (1, 6_000),
        "tries": (1, 50),
    },
    deliveries.Sms: {"deadline_ms": (10, 60_000)},
    deliveries.Sftp: {"port": (1, 65_535)},
    outbound.Smtp: {"port": (1, 65_535)},
    lead_rules.LeadRules: {"min_seconds": (1, 3_600), "ping_ttl_seconds": (5, 3_600)},
    lead_rules.TrustedForm: {"deadline_ms": (10, 60_000)},
    lead_rules.Lookup: {"timeout_ms": (10, 10_000)},
    deliveries.AcceptWhen: {"status": (100, 599)},
    schema.Tier: {"deadline_ms": (10, 10_000)},
    schema.Performance: {"trial_offers": (0, 1_000_000), "min_samples": (1, 1_000_000), "half_life_days": (1, 3_650)},
    schema.Plan: {
        "ring_seconds": (1, 300),
        "max_duration_seconds": (1, DAY_S),
        "max_offers": (1, 100),
        "patience_seconds": (1, 3_600),
        "reroute_seconds": (0, 600),
        "share_buyers": (1, 20),
    },
    trunks.Trunk: {
        "max_live": (0, 1_000_000),
        "max_per_second": (0, 100_000),
        "max_minutes_per_hour": (0, 60_000_000),
        "same_caller_seconds": (0, 3_600),
        "max_live_per_caller": (1, 10_000),
        "session_seconds": (90, DAY_S),
        "keepalive_seconds": (1, 3_600),
    },
    flows.Menu: {"seconds": (1, 120), "tries": (1, 10)},
    flows.Collect: {"digits": (1, 32), "min_digits": (1, 32), "seconds": (1, 120), "tries": (1, 10)},
    flows.YesNo: {"seconds": (1, 120), "tries": (1, 10)},
    flows.Language: {"seconds": (1, 120), "tries": (1, 10)},
    flows.Share: {"weight": (0, 1_000_000)},
    flows.HoldQueue: {"seconds": (1, 3_600), "max_callers": (1, 1_000), "position_seconds": (10, 600)},
    flows.Voicemail: {"seconds": (1, 3_600)},
    Webhook: {"timeout_ms": (10, 10_000)},
}
"""By struct and field, both ends included."""
