"""The command line: one file per command, `main.py` chooses between them."""
