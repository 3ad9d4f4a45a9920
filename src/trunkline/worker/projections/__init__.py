"""Tables made from the journal for whoever asks many questions: calls, attempts, leads, deliveries, …

The order of reading: `table.py` (what a table is), one file for each noun with its row and what events do to it,
`plan.py` (all of them together, with their version), `rows.py` (rows in memory), `store.py` (the file), `projector.py`
(from the journal into the file).
"""
