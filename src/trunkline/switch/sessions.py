"""From what two SDPs agreed on to what the media backend is told."""

from __future__ import annotations

from typing import cast

import msgspec

from trunkline.media.port import Codec, Direction, RemoteMedia, Srtp, SrtpSuite
from trunkline.sip.sdp import AudioMedia


def remote_media(agreed: AudioMedia) -> RemoteMedia:
    """Where to send to and how, in the words of the media port."""
    return RemoteMedia(
        host=agreed.host,
        port=agreed.port,
        codec=cast(Codec, agreed.codec),
        payload_type=agreed.payload_type,
        dtmf_payload_type=agreed.dtmf_payload_type,
        direction=cast(Direction, agreed.direction),
        srtp=_srtp(agreed),
        noise_payload_type=agreed.noise_payload_type,
    )


def unheard(remote: RemoteMedia) -> RemoteMedia:
    """The same party, to which nothing is sent."""
    receives = remote.direction in ("sendrecv", "recvonly")
    return msgspec.structs.replace(remote, direction="recvonly" if receives else "inactive")


def _srtp(agreed: AudioMedia) -> Srtp | None:
    ours, theirs = agreed.ours, agreed.theirs
    if ours is None or theirs is None:
        return None
    return Srtp(cast(SrtpSuite, ours.suite), ours.key, theirs.key)
