"""SIP without I/O: messages, transactions, dialogs and SDP (RFC 3261, 3264, 3581, 4566, 6026).

Nothing here opens a socket, reads a clock or draws randomness; see `endpoint.SipEndpoint` for the way in.
"""
