"""Whether a lead may come in: its form, its consent, and what it shows of who sent it, whichever way it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.config.folds import fold_text
from trunkline.config.lead_rules import CERTIFICATES
from trunkline.config.schema import Campaign
from trunkline.engine.leads.consent import Needed, Stated, gathered, read_consent
from trunkline.engine.leads.form import FieldError
from trunkline.engine.leads.screening import screened

if TYPE_CHECKING:
    from trunkline.switch.world import World


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A lead that passed: its values and its consent in normal form, `block` when it is a program's all the same."""

    values: Mapping[str, str]
    consent: Mapping[str, str]
    ignored: tuple[str, ...]
    flags: tuple[str, ...]
    block: str | None


def admit(
    world: World, account: str, campaign: Campaign, fields: Mapping[str, Any], consent: Any, now_ms: int
) -> Admitted | tuple[FieldError, ...]:
    """Read a lead as it was sent to a campaign of the account; all that is wrong with it, else what it says."""
    rules = campaign.leads
    filled = world.form(account, campaign.key).fill(fields)
    stated, hidden = consent_of(campaign, fields, consent, now_ms, rules.consent)
    if filled.errors or stated.errors:
        return (*filled.errors, *stated.errors)
    shown = screened(rules, fields, stated.consent)
    if rules.honeypot is not None:
        hidden |= {fold_text(rules.honeypot)}
    strangers = (name for name in filled.ignored if name not in hidden)
    return Admitted(
        values=filled.values,
        consent=stated.consent.stated(),
        ignored=(*strangers, *stated.ignored),
        flags=shown.flags,
        block=shown.block,
    )


def consent_of(
    campaign: Campaign, fields: Mapping[str, Any], consent: Any, now_ms: int, needed: Needed
) -> tuple[Stated, frozenset[str]]:
    """The consent of a body, wherever in it it stands, and the names (folded) of the fields that were part of it."""
    said, hidden = gathered(consent, fields)
    setting = campaign.leads.trustedform
    certificates = CERTIFICATES if setting is None else setting.certificates
    return read_consent(said, needed, now_ms, certificates), hidden
