"""Ringba RTB: `https://rtb.ringba.com/v1/production/RTB_ID.json`.

Sources: support.ringba.com articles 26359999885079 (how publishers implement RTB), 17992477665943 (errors).
"""
