"""Money is a whole number of minor units of one currency. Nothing near money is ever a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import msgspec

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""ISO 4217 currencies whose minor unit is not a hundredth; all others here have two digits."""
AMOUNT_MINOR_MAX = 10**15
"""Larger amounts are refused: they are typing errors, and they must fit a signed 64-bit column with room to add."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,6}))?")


class Money(msgspec.Struct, frozen=True, gc=False, order=False):
    """An amount: `minor` units (cents for USD) of `currency` (ISO 4217)."""

    minor: int
    currency: str

    def __str__(self) -> str:
        """Major units with the currency's own digits and no sign of the currency: `120.00`."""
        digits = minor_digits(self.currency)
        sign, units = ("-" if self.minor < 0 else ""), abs(self.minor)
        if digits == 0:
            return f"{sign}{units}"
        whole, rest = divmod(units, 10**digits)
        return f"{sign}{whole}.{rest:0{digits}d}"

    def __add__(self, other: Money) -> Money:
        """The sum of two amounts of one currency."""
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        """The difference of two amounts of one currency."""
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Whether this amount is smaller; comparing currencies is our mistake."""
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        """Whether this amount is smaller or equal."""
        self._same(other)
        return self.minor <= other.minor

    def percent(self, hundredths: int) -> Money:
        """`hundredths` of a percent of this amount (6000 = 60 %), rounded half up to minor units."""
        exact = Decimal(self.minor) * hundredths / 10_000
        return Money(int(exact.quantize(Decimal(1), ROUND_HALF_UP)), self.currency)

    def _same(self, other: Money) -> None:
        assert self.currency == other.currency, f"{self.currency} and {other.currency} do not mix"


def minor_digits(currency: str) -> int:
    """How many digits the currency's minor unit has."""
    return MINOR_DIGITS.get(currency, 2)


def parse_money(text: str, currency: str) -> Money:
    """Read major units such as `120`, `120.5` or `120.00`.

    Raises ValueError with a sentence for the operator: a sign, a separator, more digits than the currency has, or an
    amount above `AMOUNT_MINOR_MAX`.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an amount such as 120.00 (digits and one point, no sign or separator)")
    digits = minor_digits(currency)
    fraction = match[2] or ""
    if len(fraction.rstrip("0")) > digits:
        raise ValueError(f"{text!r} has more than {digits} decimal places, which {currency} does not have")
    minor = int(match[1]) * 10**digits + int((fraction[:digits]).ljust(digits, "0") or "0")
    if minor > AMOUNT_MINOR_MAX:
        raise ValueError(f"{text!r} is above the largest amount that is accepted")
    return Money(minor, currency)
