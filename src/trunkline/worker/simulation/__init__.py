"""What would have come of this traffic: calls and leads of a file, decided by the code that decides live ones.

Arrivals are taken in the order of time. Router, cursor, leases and terms are those of the switch; only the buyers are a
model: whether a target takes what it is offered, after how long, and for how long it talks.
"""
