"""Runs the outbox: takes what is due, sends it, and has the switch write down what came of it.

The order of reading: `settings.py` (the configuration in force with its secrets), `loads.py` (what goes out together),
`carrying.py` (one load on its way), `runner.py` (which loads, how many at once, and the reports).

Nothing is kept here. What is due stands in the journal, written by the switch in the transaction of the acceptance, and
leaves it in the transaction that tells of the end; a worker that dies is followed by one that sees the same.
"""
