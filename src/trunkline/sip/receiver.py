"""Where each datagram goes, and who is turned away at the door (RFC 3261 8.2, 16.3, 17.1.3, 17.2.3, 18.3).

Whatever no leg has to hear of is refused without keeping state. Refusals say nothing about who we are.
"""

from __future__ import annotations

from trunkline.sip import replies
from trunkline.sip.answers import Answers
from trunkline.sip.body import ACCEPT
from trunkline.sip.core import ALLOWED_METHODS, EXTENSIONS, Core, ServerKey
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import MAGIC_COOKIE, parse_via
from trunkline.sip.hops import Hop
from trunkline.sip.in_dialog import Requests
from trunkline.sip.legs import Leg
from trunkline.sip.message import Request, Response, parse
from trunkline.sip.session import MIN_SE, is_too_small
from trunkline.sip.transactions.machine import Command, Input
from trunkline.sip.uas import Uas
from trunkline.sip.uri import is_usable, parse_uri

SUPPORTED = f"Supported: {', '.join(sorted(EXTENSIONS))}"


class Receiver:
    """Sorts what comes in."""

    def __init__(self, core: Core, uas: Uas, requests: Requests, answers: Answers) -> None:
        self._core = core
        self._uas = uas
        self._requests = requests
        self._answers = answers
        self.draining = False

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        """Take one datagram. Nothing a peer sends makes this raise."""
        core = self._core
        if not is_usable(source):
            core.counters["unusable_source"] += 1
            return
        if not data.strip(b"\r\n\x00 "):
            core.counters["keepalives"] += 1
            return
        try:
            message = parse(data, core.config.message_limits)
            if isinstance(message, Request):
                self._request(message, source, now)
            else:
                self._response(message, source, now)
        except RemoteSipError as error:
            self._refuse_malformed(error, source)

    def refuse(self, data: bytes, source: Hop, status: int) -> None:
        """Refuse what cannot be taken off a stream as a whole, when its head is that of a request."""
        message: Request | Response | None
        try:
            message = parse(data, self._core.config.message_limits)
        except RemoteSipError as error:
            message = error.request
        if isinstance(message, Request):
            self._core.refuse(message, source, status, "malformed")
        else:
            self._core.counters["malformed"] += 1

    def _refuse_malformed(self, error: RemoteSipError, source: Hop) -> None:
        core = self._core
        if error.request is not None:
            core.refuse(error.request, source, error.status, "malformed")
        else:
            core.counters["malformed"] += 1

    # -- responses -----------------------------------------------------------------------------------------------

    def _response(self, response: Response, source: Hop, now: float) -> None:
        core = self._core
        via = response.via
        tx = core.clients.get((via.branch, response.cseq.method))
        vias = response.lines("Via")
        if tx is None or via.sent_by not in core.faces.sent_by_keys or len(vias) != 1 or "," in vias[0]:
            core.counters["unmatched"] += 1
            return
        if response.cseq.number != tx.request.cseq or response.call_id != tx.request.call_id:
            core.counters["unmatched"] += 1
            return
        status = response.status
        event = Input.PROVISIONAL if status < 200 else Input.SUCCESS if status < 300 else Input.FAILURE
        _ = response.to  # the dialog needs it, and a malformed one must be found here
        tx.source = source
        if source.transport != "udp":
            core.heard_by_stream(tx, source)
        core.feed_client(tx, event, now, response)

    # -- requests ------------------------------------------------------------------------------------------------

    def _request(self, request: Request, source: Hop, now: float) -> None:
        core = self._core
        try:
            via, cseq = request.via, request.cseq
            if cseq.method != request.method:
                raise RemoteSipError(400, "CSeq method differs")
            _ = request.call_id, request.from_, request.to
        except RemoteSipError as error:
            error.request = request
            raise
        if not via.branch.startswith(MAGIC_COOKIE) or len(via.branch) == len(MAGIC_COOKIE):
            core.refuse(request, source, 400, "refused_rfc2543")
            return
        method = request.method
        key: ServerKey = (via.branch, via.sent_by, "INVITE" if method in ("ACK", "CANCEL") else method)
        tx = core.servers.get(key)
        if method == "CANCEL":
            self._cancel(request, source, key, now)
        elif method == "ACK":
            if tx is None or Command.DELIVER in core.feed_server(tx, Input.ACK, now):
                self._ack(request, now)
        elif tx is not None:
            if Command.REPLAY in core.feed_server(tx, Input.REQUEST, now) and tx.leg in core.legs:
                self._answers.repeat(core.legs[tx.leg])
        else:
            self._new_request(request, source, key, now)

    def _ack(self, request: Request, now: float) -> None:
        leg = self._leg_of(request)
        if leg is None:
            self._core.counters["unmatched"] += 1
        else:
            self._answers.acknowledged(leg, request, now)

    def _cancel(self, request: Request, source: Hop, key: ServerKey, now: float) -> None:
        core = self._core
        tx = core.servers.get(key)
        if tx is None:
            core.refuse(request, source, 481, "refused_no_transaction")
            return
        # 9.2: the To tag is that of the responses to the INVITE. Without state of its own a repeated CANCEL simply
        # gets its 200 again.
        core.send(replies.response(request, replies.echo_lines(request, source), 200, tx.to_tag), tx.destination)
        leg = core.legs.get(tx.leg)
        if leg is None or not core.is_open(tx):
            return
        if leg.invite_tx is tx:
            self._uas.cancelled(leg, request.header("Reason"), now)
        else:
            self._requests.cancel(leg, tx, now)

    def _new_request(self, request: Request, source: Hop, key: ServerKey, now: float) -> None:
        core, method = self._core, request.method
        if method not in ALLOWED_METHODS:
            core.refuse(request, source, 405, "refused_method", [core.allow_line])
            return
        required = [*request.values("Require"), *request.values("Proxy-Require")]
        unknown = [option for option in required if option.lower() not in EXTENSIONS]
        if unknown:
            core.refuse(request, source, 420, "refused_extension", [f"Unsupported: {', '.join(unknown)}"])
            return
        if request.to.tag is not None:
            self._in_dialog(request, source, key, now)
        elif method == "OPTIONS":
            _check_uri(request)
            self._options(request, source)
        elif method == "INVITE":
            self._invite(request, source, key, now)
        else:
            core.refuse(request, source, 481, "refused_no_dialog")

    def _in_dialog(self, request: Request, source: Hop, key: ServerKey, now: float) -> None:
        leg = self._leg_of(request)
        if leg is None:
            self._core.refuse(request, source, 481, "refused_no_dialog")
        elif request.method == "OPTIONS":
            self._options(request, source)
        else:
            self._requests.receive(request, source, key, leg, now)
            self._core.timers.arm(leg)

    def _leg_of(self, request: Request) -> Leg | None:
        key = (request.call_id, request.to.tag or "", request.from_.tag or "")
        return self._core.dialogs.get(key)

    def _options(self, request: Request, source: Hop) -> None:
        core = self._core
        if self.draining:
            core.refuse(request, source, 503, "options", [f"Retry-After: {core.config.retry_after_s}"])
        else:
            core.refuse(request, source, 200, "options", [ACCEPT, core.allow_line, SUPPORTED])

    def _invite(self, request: Request, source: Hop, key: ServerKey, now: float) -> None:
        core = self._core
        refusal = self._invite_refusal(request, source, now)
        if refusal is not None:
            status, counter, extra = refusal
            core.refuse(request, source, status, counter, extra)
            return
        try:
            _check_uri(request)
            self._uas.receive(request, source, key, now)
        except RemoteSipError as error:
            error.request = request
            raise

    def _invite_refusal(self, request: Request, source: Hop, now: float) -> tuple[int, str, list[str]] | None:
        """Status, counter and headers of the refusal an INVITE outside any dialog deserves, if any."""
        core, limits = self._core, self._core.config.state_limits
        hops = request.header("Max-Forwards")
        if hops and not hops.strip("0"):
            return 483, "refused_hops", []
        if any(parse_via(value).sent_by in core.faces.sent_by_keys for value in request.values("Via")):
            return 482, "refused_loop", []
        if (request.call_id, request.from_.tag or "", request.cseq.number) in core.merged:
            # 8.2.2.2: the same INVITE over two ways; one of the two is enough.
            return 482, "refused_merged", []
        if is_too_small(request):
            return 422, "refused_session_interval", [MIN_SE]
        if not _takes_descriptions(request):
            return 406, "refused_media_type", [ACCEPT]
        if request.body and request.sdp is None:
            return 415, "refused_media_type", [ACCEPT]
        if self.draining:
            return 503, "refused_draining", [f"Retry-After: {core.config.retry_after_s}"]
        if core.half_open >= limits.max_half_open:
            return 503, "refused_half_open", ["Retry-After: 5"]
        if core.half_open_of[source.host] >= limits.max_half_open_per_source:
            return 503, "refused_source_half_open", ["Retry-After: 5"]
        if len(core.servers) >= limits.max_transactions:
            return 503, "refused_transactions", ["Retry-After: 5"]
        if core.per_source[source[0]] >= limits.max_transactions_per_source:
            return 503, "refused_source_limit", ["Retry-After: 5"]
        if not core.invites.take(source.host, now):
            return 503, "refused_source_rate", ["Retry-After: 1"]
        return None


def _check_uri(request: Request) -> None:
    """Raise RemoteSipError 416 for a scheme we do not know, 400 for an address with headers in it (19.1.1)."""
    try:
        if parse_uri(request.uri).headers:
            raise RemoteSipError(400, "Headers in Request-URI")
    except RemoteSipError as error:
        error.request = request
        raise


def _takes_descriptions(request: Request) -> bool:
    """Whether Accept lets our session description through; without one it does, and an empty one is no value (20.1)."""
    if not request.header("Accept"):
        return True
    try:
        kinds = [value.partition(";")[0].strip().lower() for value in request.values("Accept")]
    except RemoteSipError as error:
        error.request = request
        raise
    return any(kind in ("application/sdp", "application/*", "*/*") for kind in kinds)
