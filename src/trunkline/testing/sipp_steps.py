"""Scenarios for sipp, put together from steps: what a caller or a buyer does, one after the other.

    caller(invite(), provisional(), expect(200), ack(), pause(500), bye())
    buyer(invited(), answer(180), pause(100), answer(200), acked(), byed())

Steps are XML of sipp's own language, so a test can put in any element that is not made here. `caller` writes the
headers of the calling side, `buyer` those of the called one; both speak SDP with G.711 and telephone-event, and name
the audio port that sipp was given as key `rtp`.
"""

from __future__ import annotations

from typing import Final

SDP: Final = """v=0
o=sipp 53655765 {version} IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [rtp] RTP/AVP {payloads}
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a={direction}"""

GO_ON: Final = "OPTIONS"
"""What `Sipp.go_on` sends to sipp itself; the switch never sends it inside a call."""
_INVITE_BRANCH: Final = "z9hG4bK-[pid]-[call_number]-invite"
"""Written out, because CANCEL and the ACK of a refusal bear the branch of their INVITE (RFC 3261 section 17.1.1.3)."""
_TAG: Final = "[pid]T[call_number]"
_CALLER_FROM: Final = f"From: <sip:[field0]@[local_ip]:[local_port]>;tag={_TAG}"
_CALLER_TO: Final = "To: <sip:[service]@[remote_ip]:[remote_port]>"
_CONTACT: Final = "Contact: <sip:peer@[local_ip]:[local_port]>"


def sdp(direction: str = "sendrecv", payloads: str = "0 8 101", version: int = 1) -> str:
    """A session description; `payloads` in order of preference."""
    return SDP.format(direction=direction, payloads=payloads, version=version)


def caller(*steps: str) -> str:
    """The scenario of a calling side."""
    return _scenario("caller", steps)


def buyer(*steps: str) -> str:
    """The scenario of a called side."""
    return _scenario("buyer", steps)


def _scenario(name: str, steps: tuple[str, ...]) -> str:
    body = "\n".join(steps)
    return f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n{body}\n</scenario>\n'


def _send(lines: list[str], body: str = "", content_type: str = "application/sdp", attributes: str = "") -> str:
    headers = [*lines, "Max-Forwards: 70"] if not lines[0].startswith("SIP/") else lines
    if body:
        headers = [*headers, f"Content-Type: {content_type}"]
    text = "\n".join([*headers, "Content-Length: [len]", "", body])
    return f"<send {attributes}><![CDATA[\n{text}\n]]></send>"


# -- both sides --------------------------------------------------------------------------------------------------------


def pause(ms: int) -> str:
    """Wait, while what was not waited for is answered in sipp's default way."""
    return f'<pause milliseconds="{ms}"/>'


def held() -> str:
    """Wait until the test calls `Sipp.go_on`."""
    return expect_request(GO_ON)


def label(name: str) -> str:
    """A place to go to."""
    return f'<label id="{name}"/>'


def go_to(name: str) -> str:
    """Go on behind that label."""
    return f'<nop next="{name}"/>'


def expect(status: int, *, optional: bool = False, ms: int | None = None, then: str | None = None) -> str:
    """Wait for a response, at most `ms`; when it came, go on behind the label `then`."""
    flags = ' optional="true"' if optional else ""
    flags += f' next="{then}"' if then is not None else ""
    flags += f' timeout="{ms}"' if ms is not None else ""
    return f'<recv response="{status}" rrs="true"{flags}/>' if status == 200 else f'<recv response="{status}"{flags}/>'


def _accepted() -> str:
    """Wait for the 200 to a request inside the call. It may lack the Contact that sipp looks for in an INVITE's."""
    return '<recv response="200"/>'


def expect_request(method: str, *, ms: int | None = None, otherwise: str | None = None) -> str:
    """Wait for a request, at most `ms`; when it has not come by then, go on behind the label `otherwise`."""
    flags = f' timeout="{ms}"' if ms is not None else ""
    flags += f' ontimeout="{otherwise}"' if otherwise is not None else ""
    return f'<recv request="{method}"{flags}/>'


def reply(status: int, reason: str = "Said", body: str = "", *, headers: tuple[str, ...] = ()) -> str:
    """Answer the request that was received last, in its own dialog (the To tag is there already)."""
    lines = [f"SIP/2.0 {status} {reason}", "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]"]
    return _send([*lines, "[last_CSeq:]", _CONTACT, *headers], body)


def byed() -> str:
    """Wait for BYE and answer it."""
    return expect_request("BYE") + reply(200, "OK")


# -- the calling side --------------------------------------------------------------------------------------------------


def invite(body: str | None = None, headers: tuple[str, ...] = ()) -> str:
    """Call the number that sipp was given, from the number of the values file; an empty `body` offers nothing."""
    lines = ["INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0", _via(_INVITE_BRANCH), _CALLER_FROM, _CALLER_TO]
    lines += ["Call-ID: [call_id]", "CSeq: 1 INVITE", _CONTACT, *headers]
    return _send(lines, sdp() if body is None else body, attributes='retrans="500"')


def provisional() -> str:
    """Any of 100, 180 and 183 may come."""
    return "".join(expect(status, optional=True) for status in (100, 180, 183))


def ack(body: str = "") -> str:
    """Acknowledge the 200; `body` answers an offer that came in it."""
    return _send(_caller_request("ACK", "z9hG4bK-[pid]-[call_number]-ack", cseq=1), body)


def ack_refusal() -> str:
    """Acknowledge a refusal."""
    lines = _caller_request("ACK", _INVITE_BRANCH, cseq=1)
    lines[0] = "ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0"
    return _send(lines)


def refused(status: int) -> str:
    """Wait for that refusal and acknowledge it."""
    return provisional() + expect(status) + ack_refusal()


def cancel(*, proxied: bool = False) -> str:
    """Give up a call that rings; wait for the end of both transactions.

    `proxied`: by a proxy of several processes, which may pass the end of the INVITE on before its own 200.
    """
    lines = ["CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0", _via(_INVITE_BRANCH), _CALLER_FROM, _CALLER_TO]
    sent = _send([*lines, "Call-ID: [call_id]", "CSeq: 1 CANCEL"], attributes='retrans="500"')
    return sent + (expect(200, optional=True) if proxied else _accepted()) + expect(487) + ack_refusal()


def bye(cseq: int = 9) -> str:
    """Hang up."""
    branch = f"z9hG4bK-[pid]-[call_number]-bye{cseq}"
    return _send(_caller_request("BYE", branch, cseq), attributes='retrans="500"') + _accepted()


def info_digit(digit: str, cseq: int) -> str:
    """Press a key by INFO (application/dtmf-relay); `cseq` grows from 2."""
    lines = _caller_request("INFO", f"z9hG4bK-[pid]-[call_number]-info{cseq}", cseq)
    body = f"Signal={digit}\nDuration=160"
    return _send(lines, body, "application/dtmf-relay", 'retrans="500"') + _accepted()


def reinvite(direction: str, cseq: int) -> str:
    """Offer the audio anew, as hold (`sendonly`, `inactive`) or resume (`sendrecv`)."""
    lines = [*_caller_request("INVITE", f"z9hG4bK-[pid]-[call_number]-re{cseq}", cseq), _CONTACT]
    offered = _send(lines, sdp(direction, version=cseq), attributes='retrans="500"')
    acked = _send(_caller_request("ACK", f"z9hG4bK-[pid]-[call_number]-reack{cseq}", cseq))
    return offered + expect(100, optional=True) + expect(200) + acked


def play(pcap: str) -> str:
    """Send the RTP of a capture file (needs the right to open raw sockets)."""
    return f'<nop><action><exec play_pcap_audio="{pcap}"/></action></nop>'


def _via(branch: str) -> str:
    return f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}"


def _caller_request(method: str, branch: str, cseq: int) -> list[str]:
    lines = [f"{method} [next_url] SIP/2.0", _via(branch), "[routes]", _CALLER_FROM, f"{_CALLER_TO}[peer_tag_param]"]
    return [*lines, "Call-ID: [call_id]", f"CSeq: {cseq} {method}"]


# -- the called side ---------------------------------------------------------------------------------------------------


def invited(*, proxied: bool = False) -> str:
    """Wait for the call, and keep what its later requests and late answers need; `proxied` is by one proxy."""
    wanted = [("From", "from", 1), ("To", "to", 1), ("CSeq", "cseq", 1), ("Via", "via", 1)]
    wanted += [("Via", "via2", 2), ("Record-Route", "route", 1)] if proxied else []
    kept = "".join(
        f'<ereg regexp="[^ ].*" search_in="hdr" header="{header}:" occurrence="{place}" check_it="true" '
        f'assign_to="{name}"/>'
        for header, name, place in wanted
    )
    references = f'<Reference variables="{",".join(name for _, name, _ in wanted)}"/>'
    return f'<recv request="INVITE" crlf="true" rrs="true"><action>{kept}</action></recv>' + references


def answer(status: int, body: str | None = None, headers: tuple[str, ...] = (), *, proxied: bool = False) -> str:
    """Answer the INVITE: a provisional one, 200 with SDP, or a refusal. Finals are repeated until their ACK.

    A provisional one is never among the lost: when sipp loses it and the final after it, it repeats neither.
    """
    vias = ["Via: [$via]", "Via: [$via2]", "Record-Route: [$route]"] if proxied else ["Via: [$via]"]
    lines = [f"SIP/2.0 {status} Said", *vias, "From: [$from]", f"To: [$to];tag={_TAG}", "Call-ID: [call_id]"]
    lines += ["CSeq: [$cseq]", _CONTACT, *headers]
    text = body if body is not None else sdp() if 200 <= status < 300 else ""
    return _send(lines, text, attributes='lost="0"' if status < 200 else 'retrans="500"')


def acked(ms: int | None = None) -> str:
    """Wait for the ACK."""
    return expect_request("ACK", ms=ms)


def cancelled(ms: int | None = None, otherwise: str | None = None, *, proxied: bool = False) -> str:
    """Wait for CANCEL, answer it and the INVITE, and see the 487 acknowledged; without one, as `expect_request`."""
    lines = ["SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", f"[last_To:];tag={_TAG}", "[last_Call-ID:]"]
    wanted = expect_request("CANCEL", ms=ms, otherwise=otherwise)
    return wanted + _send([*lines, "[last_CSeq:]"]) + answer(487, proxied=proxied) + acked()


def hang_up(cseq: int = 1) -> str:
    """The called side hangs up."""
    return _send(_buyer_request("BYE", cseq), attributes='retrans="500"') + _accepted()


def buyer_reinvite(direction: str, cseq: int) -> str:
    """The called side offers the audio anew."""
    lines = [*_buyer_request("INVITE", cseq), _CONTACT]
    offered = _send(lines, sdp(direction, version=cseq + 1), attributes='retrans="500"')
    request = _buyer_request("ACK", cseq)
    return offered + expect(100, optional=True) + expect(200) + _send(request)


def buyer_info_digit(digit: str, cseq: int) -> str:
    """The called side presses a key by INFO."""
    body = f"Signal={digit}\nDuration=160"
    request = _buyer_request("INFO", cseq)
    return _send(request, body, "application/dtmf-relay", 'retrans="500"') + _accepted()


def _buyer_request(method: str, cseq: int) -> list[str]:
    lines = [f"{method} [next_url] SIP/2.0", _via(f"z9hG4bK-[pid]-[call_number]-{method}{cseq}"), "[routes]"]
    lines += [f"From: [$to];tag={_TAG}", "To: [$from]", "Call-ID: [call_id]"]
    return [*lines, f"CSeq: {cseq} {method}"]
