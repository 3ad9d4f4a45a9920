"""Drivers: how calls reach the switch and leave it."""
