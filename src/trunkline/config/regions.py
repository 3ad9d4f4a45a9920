"""States and provinces that `geo.state` can be: the postal codes of the United States and Canada."""

from __future__ import annotations

from typing import Final

_US: Final = """
AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC
SD TN TX UT VT VA WA WV WI WY DC PR VI GU AS MP
"""
_CA: Final = "AB BC MB NB NL NS NT NU ON PE QC SK YT"

STATES: Final = frozenset(_US.split()) | frozenset(_CA.split())
