"""Keeping processes of ours running: when to start one again (`policy.py`), one process (`child.py`), what they all say
(`words.py`), and all of them together (`supervisor.py`).
"""
