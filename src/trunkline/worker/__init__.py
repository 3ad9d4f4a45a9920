"""Work that is never in the call path: views made from the journal, facts from history, deliveries that may wait.

`service.py` runs parts (`part.py`) beside each other. Each follows the journal at its own pace; `tail.py` looks for all
of them whether it went on.
"""
