"""The codes of problems, with what each means. The reference page is made from this table."""

from __future__ import annotations

from typing import Final

CODES: Final[dict[str, str]] = {
    # reading the text
    "empty": "Something that must hold something is empty: a file, a list, a text.",
    "not_utf8": "The file is no UTF-8 text.",
    "not_yaml": "The file is no YAML.",
    "not_json": "The file is no JSON.",
    "too_large": "The file is larger, or holds more values, than can be read.",
    "too_deep": "More lists and mappings stand inside each other than can be read.",
    "several_documents": "The file holds more than one YAML document.",
    "tag": "A value has a YAML tag. Types come from the schema.",
    "bad_key": "A key cannot be used as one.",
    "unknown_alias": "An alias has no anchor above it.",
    "merge_key": "A merge key (`<<`) is used. They are not read.",
    "duplicate_key": "A key stands twice in one mapping.",
    # values
    "not_a_mapping": "A mapping of keys belongs here.",
    "not_a_list": "A list belongs here.",
    "not_a_text": "A single value belongs here.",
    "unknown_key": "The key means nothing here.",
    "missing": "A key that must be there is not.",
    "misplaced": "The key belongs to another file of the folder.",
    "bad_version": "The version of the format is not one that can be read.",
    "bad_text": "A text holds a control character.",
    "bad_integer": "The text is no whole number.",
    "bad_boolean": "The text is neither `true` nor `false`.",
    "bad_choice": "The text is none of the allowed values.",
    "bad_money": "The text is no amount of the account's currency.",
    "bad_percent": "The text is no percentage.",
    "bad_number": "The text is no phone number in E.164.",
    "bad_hours": "The hours are not written as hours, or end when they begin.",
    "bad_date": "The text is no date.",
    "bad_prompt": "A prompt has both or neither of `say` and `file`.",
    "several_verbs": "A flow node does more than one thing.",
    "out_of_range": "A number is outside its range.",
    # references and keys
    "unknown_reference": "The key of another object names nothing.",
    "duplicate": "Two objects have the same key, or two limits the same counter.",
    "number_clash": "A tracking number stands twice, in one account or in two.",
    # places and money
    "unknown_zone": "There is no such time zone.",
    "unknown_currency": "There is no such currency.",
    "unknown_country": "There is no such country.",
    "unknown_state": "There is no such state or province.",
    "bad_language": "The text is no language code.",
    # hours and limits
    "never_open": "The hours never open.",
    "bad_limit": "The limit counts something that cannot be counted so.",
    "zero_limit": "The limit is zero, which is the same as paused.",
    # criteria
    "unknown_attribute": "There is no such attribute, or it cannot be set here.",
    "unlike_types": "A condition compares unlike types.",
    "bad_regex": "The text is no regular expression.",
    "bad_between": "`between` does not have two values.",
    "never_matches": "The rule can never match.",
    # targets and trunks
    "target_kind": "A target has both or neither of `dial` and `deliver`.",
    "bad_dial": "The text is neither a number nor a SIP address that can be dialled.",
    "bad_sip_uri": "The text is no SIP address that can be dialled.",
    "missing_trunk": "A target with a number names no trunk.",
    "trunk_without_outbound": "The trunk takes calls only.",
    "trunk_unused": "The trunk neither accepts nor sends anything.",
    "outside_prefixes": "The number is outside the trunk's prefixes.",
    "bad_prefix": "The text is no prefix of phone numbers.",
    "bad_network": "The text is no network.",
    "bad_env": "The text is no name of an environment variable.",
    "bad_url": "The text is no http or https URL.",
    "bad_header": "The header cannot be sent.",
    "bad_digits": "The text is no key, or keys, of a telephone.",
    "bad_caller_id": "The text cannot be shown as caller.",
    # plans and terms
    "missing_price": "A route has no price and inherits none.",
    "bidder_price": "The route of a bidder has a price.",
    "bidder_outside_auction": "A bidder stands in a tier that is no auction.",
    "fallback_loop": "Plans fall back to each other in a circle.",
    "no_effect": "The setting has no effect here.",
    "bad_conversion": "The conversion rule does not fit together.",
    "bad_payout": "The payout rule does not fit together.",
    "bad_lead_field": "The lead field does not fit together.",
    # flows
    "flow_loop": "A flow has a loop in which nothing waits for the caller.",
    "silent_loop": "A flow keeps a caller who presses nothing in a loop.",
    "never_ends": "From a node there is no way to the end of the flow.",
    "unreachable": "No way leads to a node.",
    "no_voice": "There is no voice for the language of a text.",
    "no_engine": "Nothing on this machine can speak a text.",
    "missing_file": "A prompt file is not there.",
    "bad_file": "A prompt file is outside the configuration, or no WAV file.",
    "too_long": "A text is longer than can be spoken.",
    # the rest
    "not_built": "This version does not do it yet.",
    "too_many_problems": "There are more problems than are shown.",
}
"""By code, in the order in which the checks run."""
