"""Why a field of a lead is not taken: the one list, for answers, pages and metrics."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FieldCode(StrEnum):
    """What is wrong with a field."""

    REQUIRED = "required"
    NOT_A_VALUE = "not_a_value"
    GIVEN_TWICE = "given_twice"
    TOO_LONG = "too_long"
    CONTROL_CHARACTERS = "control_characters"
    PHONE_INVALID = "phone_invalid"
    EMAIL_INVALID = "email_invalid"
    ZIP_INVALID = "zip_invalid"
    STATE_UNKNOWN = "state_unknown"
    DATE_INVALID = "date_invalid"
    NUMBER_INVALID = "number_invalid"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    CHOICE_UNKNOWN = "choice_unknown"
    YES_NO_INVALID = "yes_no_invalid"
    TOO_MANY_FIELDS = "too_many_fields"
    TOO_DEEP = "too_deep"
    HASH_INVALID = "hash_invalid"
    PREFIX_INVALID = "prefix_invalid"
    CHANGED_SINCE_PING = "changed_since_ping"
    CERTIFICATE_INVALID = "certificate_invalid"
    LEADID_INVALID = "leadid_invalid"
    URL_INVALID = "url_invalid"
    IP_INVALID = "ip_invalid"
    TIME_INVALID = "time_invalid"
    TIME_IN_FUTURE = "time_in_future"
    SECONDS_INVALID = "seconds_invalid"
    CONSENT_MISSING = "consent_missing"
    SELLERS_MISSING = "sellers_missing"


FIELD_CODES: Final[dict[FieldCode, str]] = {
    FieldCode.REQUIRED: "The campaign needs this field and it is missing or empty.",
    FieldCode.NOT_A_VALUE: "A list or an object stands where one value belongs.",
    FieldCode.GIVEN_TWICE: "The field is sent under two of its names, with different values.",
    FieldCode.TOO_LONG: "The value is longer than the field takes.",
    FieldCode.CONTROL_CHARACTERS: "The value holds characters that no person types.",
    FieldCode.PHONE_INVALID: "This is no phone number. Send it as +15125550100 or (512) 555-0100.",
    FieldCode.EMAIL_INVALID: "This is no e-mail address.",
    FieldCode.ZIP_INVALID: "This is no ZIP code. Send five digits, or ZIP+4.",
    FieldCode.STATE_UNKNOWN: "This is no state or province. Send its postal code or its name.",
    FieldCode.DATE_INVALID: "This is no day of the calendar in the order that the field takes.",
    FieldCode.NUMBER_INVALID: "This is no decimal number.",
    FieldCode.TOO_SMALL: "The number or day is below the least that the field takes.",
    FieldCode.TOO_LARGE: "The number or day is above the most that the field takes.",
    FieldCode.CHOICE_UNKNOWN: "This is none of the field's choices.",
    FieldCode.YES_NO_INVALID: "This is neither yes nor no.",
    FieldCode.TOO_MANY_FIELDS: "The lead has more fields than any form.",
    FieldCode.TOO_DEEP: "The lead is nested deeper than any form.",
    FieldCode.HASH_INVALID: "This is no SHA-256 sum. Send 64 hexadecimal digits.",
    FieldCode.PREFIX_INVALID: "This is no beginning of a phone number. Send the area code at least: 512555XXXX.",
    FieldCode.CHANGED_SINCE_PING: "The ping said something else of this field. Send the lead that was asked about.",
    FieldCode.CERTIFICATE_INVALID: "This is no URL of a TrustedForm certificate. Send it whole, as the script gave it.",
    FieldCode.LEADID_INVALID: "This is no LeadiD. Send the token of the form: 8-4-4-4-12 hexadecimal digits.",
    FieldCode.URL_INVALID: "This is no http or https URL.",
    FieldCode.IP_INVALID: "This is no IP address.",
    FieldCode.TIME_INVALID: "This is no time. Send ISO 8601 with its offset: 2026-11-23T15:00:00Z.",
    FieldCode.TIME_IN_FUTURE: "The time has not come yet. Set the clock of the sender.",
    FieldCode.SECONDS_INVALID: "This is no number of seconds.",
    FieldCode.CONSENT_MISSING: "The campaign needs consent: send a certificate, a leadid, or text, page_url and at.",
    FieldCode.SELLERS_MISSING: "The lead goes only to sellers that the consent names: send their names as sellers.",
}
"""By code: what the publisher is told, with what to send instead."""
