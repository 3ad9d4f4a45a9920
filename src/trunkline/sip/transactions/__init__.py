"""The four transactions of RFC 3261 section 17, over UDP and over streams, with the Accepted states of RFC 6026.

Each file holds one transition table and what its theory is. A transaction decides; it does not build messages and
sends nothing: `handle` returns commands, and `endpoint` obeys them in order.
"""
