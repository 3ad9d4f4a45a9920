"""How many files may be open, and how many of them connections may take.

A connection is an open file. Without a bound below the system's own, peers that open connections and do nothing with
them could leave none for the journal, a recording or a look at /metrics.
"""

from __future__ import annotations

import contextlib
import resource

import msgspec

from trunkline.telephony.sip.connection import ConnectionLimits

RESERVED = 512
"""Files that SIP connections leave alone: HTTP, the journal, pipes to media processes, what a reload reads."""
CONNECTIONS_MIN = 32


def take_open_files() -> int:
    """Take all the open files that the kernel allows without asking anybody; how many that are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else RESERVED + ConnectionLimits().connections


def connection_limits(open_files: int) -> ConnectionLimits:
    """The usual limits of connections, lowered to what so many open files leave.

    One source gets half of those that peers may make, and as many as that we may make ourselves; all hosts together
    that have proved nothing get a quarter.
    """
    usual = ConnectionLimits()
    connections = min(usual.connections, max(CONNECTIONS_MIN, open_files - RESERVED))
    return msgspec.structs.replace(
        usual,
        connections=connections,
        connections_per_source=min(usual.connections_per_source, connections // 2),
        strangers=min(usual.strangers, connections // 4),
        connections_out=min(usual.connections_out, connections // 2),
    )
