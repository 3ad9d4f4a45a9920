"""Whether the switch handles transactions as another B2BUA does: the same scripts against both, what was seen compared.

The other is sippy's b2bua_simple, which shares no code with us. Where the two differ, the row says what each did, and
`EXPLAINED` says why ours stays as it is. A difference that nobody has explained is a bug until somebody has.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.load.machine import describe
from bench.load.script import NUMBER, Scenario
from bench.load.sides import PeerMissing, Sippy, ours
from bench.load.transactions import SCRIPTS, Buyer, Script, Seen, play

from trunkline.testing.ports import HOST

SUMMARY = "transactions handled as another B2BUA does, compared with sippy's b2bua_simple"

EXPLAINED: dict[str, str] = {
    "invite again after 200": "a repetition is no new request, so it gets the 200 again and never a 500 (RFC 6026 7.1)",
    "cancel while ringing": "a repeated CANCEL belongs to its transaction, which repeats its 200 (RFC 3261 17.2.2)",
    "answer crosses cancel": "the ACK leaves before the BYE (RFC 3261 13.2.2.4): who has not seen it knows no dialog",
}
"""By script: why we do not do as the peer does."""


def run(long: bool = False) -> dict[str, object]:
    """Compare and return the document of `bench --json`. There is no longer form."""
    missing = ""
    peer: Sippy | None = None
    try:
        peer = Sippy()
    except PeerMissing as error:
        missing = str(error)
    rows = [_compare(script, peer) for script in SCRIPTS]
    alike = sum(row["ratio"] == 1 for row in rows)
    return {
        "bench": "differential",
        "ratio_to_peer": None if peer is None else round(alike / len(rows), 2),
        "peer": f"nobody: {missing}" if peer is None else Sippy.name,
        "rows": rows,
        "machine": describe(),
        "rounds": 1,
        "caveats": [
            "ratio_to_peer is the share of scripts in which caller and buyer saw the same with both programs.",
            *(f"{name}: {why}" for name, why in EXPLAINED.items()),
        ],
    }


def _compare(script: Script, peer: Sippy | None) -> dict[str, object]:
    mine = _seen(script, None)
    theirs = None if peer is None else _seen(script, peer)
    return {
        "case": script.__name__.replace("_", " "),
        "ours": _short(mine),
        "peer": None if theirs is None else _short(theirs),
        "unit": "seen",
        "ratio": None if theirs is None else int(mine == theirs),
    }


def _seen(script: Script, peer: Sippy | None) -> Seen:
    """A fresh process for each script, so that none meets what another left behind."""
    buyer = Buyer()
    address = f"{HOST}:{buyer.port}"
    serve = ours if peer is None else peer.serve
    try:
        with (
            tempfile.TemporaryDirectory(prefix="trunkline-bench-") as name,
            serve(Path(name), Scenario.PLAIN, address, address) as side,
        ):
            return play(script, side.sip, NUMBER, buyer)
    finally:
        buyer.close()


def _short(seen: Seen) -> str:
    return "; ".join(f"{who}: {', '.join(saw) if isinstance(saw, list) else saw}" for who, saw in seen.items())
