"""What tests of a configuration are made of, for users as for ourselves.

`peers` has scripted callers and buyers: they speak real SIP and RTP over UDP, on this machine or any other. `switch`
starts a real switch for them to meet at.
"""
