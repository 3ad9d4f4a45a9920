"""What tests of a configuration are made of, for users as for ourselves.

`peers` has scripted callers and buyers: they speak real SIP and RTP over UDP, on this machine or any other. `switch`
starts a real switch for them to meet at; `sipp` runs sipp as a caller or buyer by scenarios put together from
`sipp_steps`; `wire` joins SIP endpoints in memory under virtual time, `relay` two programs over real sockets, both by
the bad line of `lossy`; `crash` kills a switch under load, again and again, and judges what is left.
"""
