"""The embedded media backend: RTP moved by child processes of the switch that live and die with it.

`backend.py` is the switch's side. `child.py` is where a child begins and `engine.py` its loop; there every file is one
noun: a leg, what it hears and says (`inbound.py`, `outbound.py`), who speaks to it (`player.py`, `keys.py`, its bridge
peer), and what is kept (`recorder.py`, `disk.py`).
"""
