"""Leads: what a form says, read by the rules of its campaign."""
