"""The append-only record of everything and the switch's state tables, in one SQLite file."""
