"""Asking bidders: everybody at once, under one deadline, for calls and for leads."""
