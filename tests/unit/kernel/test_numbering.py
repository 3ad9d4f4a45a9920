"""How carriers write numbers, and which numbers a trunk may dial."""

from __future__ import annotations

import pytest

from trunkline.kernel.destinations import Refusal, refusal
from trunkline.kernel.numbering import NumberFormat, Numbering

pytestmark = pytest.mark.unit

US = Numbering("US", "1", "011")
DE = Numbering("DE", "0", "00")
GB_BY_9 = Numbering("GB", "90", "900")


@pytest.mark.parametrize(
    ("numbering", "text", "number"),
    [
        (US, "12125550123", "+12125550123"),
        (US, "2125550123", "+12125550123"),
        (US, "(212) 555-0123", "+12125550123"),
        (US, "+442079460000", "+442079460000"),
        (US, "011442079460000", "+442079460000"),
        (DE, "030123456", "+4930123456"),
        (DE, "0012125550123", "+12125550123"),
        (DE, "004930123456", "+4930123456"),
        (GB_BY_9, "902079460000", "+442079460000"),
        (GB_BY_9, "90012125550123", "+12125550123"),
        (Numbering("US"), "0114930123456", "+4930123456"),
        (Numbering(None, None, "00"), "0012125550123", "+12125550123"),
        (Numbering(None, None, "00"), "2125550123", None),
        (US, "desk", None),
        (US, "", None),
        (US, "011", None),
    ],
)
def test_a_number_is_read_as_its_carrier_writes_it(numbering: Numbering, text: str, number: str | None) -> None:
    assert numbering.read(text) == number


@pytest.mark.parametrize(
    ("numbering", "number", "form", "written"),
    [
        (US, "+12125550123", "plus", "+12125550123"),
        (US, "+12125550123", "e164", "12125550123"),
        (US, "+12125550123", "national", "12125550123"),
        (Numbering("US"), "+12125550123", "national", "2125550123"),
        (US, "+442079460000", "national", "011442079460000"),
        (Numbering("US"), "+442079460000", "national", "+442079460000"),
        (DE, "+4930123456", "national", "030123456"),
        (DE, "+390612345678", "national", "00390612345678"),
        (Numbering("IT"), "+390612345678", "national", "0612345678"),
    ],
)
def test_a_number_is_written_as_its_carrier_wants_it(
    numbering: Numbering, number: str, form: NumberFormat, written: str
) -> None:
    assert numbering.write(number, form) == written
    if form == "national" and numbering.national_prefix is not None:
        assert numbering.read(written) == number


@pytest.mark.parametrize(
    ("number", "prefixes", "country", "refused"),
    [
        ("+12125550123", (), "US", None),
        ("+14165550123", (), "US", None),
        ("+18005550123", (), "US", None),
        ("+12125550123", (), "CA", None),
        ("+18765550123", (), "US", Refusal.INTERNATIONAL),  # Jamaica
        ("+18095550123", (), "US", Refusal.INTERNATIONAL),  # Dominican Republic
        ("+18765550123", (), "JM", None),
        ("+12125550123", (), "JM", Refusal.INTERNATIONAL),
        ("+18765550123", ("+1876",), "US", None),
        ("+442079460000", (), "US", Refusal.INTERNATIONAL),
        ("+442079460000", ("+44",), "US", None),
        ("+12125550123", ("+44",), "US", Refusal.OUTSIDE_PREFIXES),
        ("+12125550123", ("+1",), None, None),
        ("+12125550123", (), None, Refusal.INTERNATIONAL),
        ("+19005550123", (), "US", Refusal.PREMIUM),
        ("+19005550123", ("+1",), "US", Refusal.PREMIUM),
        ("+12129761234", ("+1",), "US", Refusal.PREMIUM),
        ("+449098790000", ("+44",), "GB", Refusal.PREMIUM),
        ("+449098790000", (), "US", Refusal.PREMIUM),
    ],
)
def test_a_trunk_dials_its_country_or_its_prefixes_and_nothing_dear(
    number: str, prefixes: tuple[str, ...], country: str | None, refused: Refusal | None
) -> None:
    assert refusal(number, prefixes, country, False) is refused
    if refused is Refusal.PREMIUM:
        assert refusal(number, (*prefixes, number[:4]), country, True) is None
