"""Trunkline: sells live phone calls and web leads, self-hosted."""

__version__ = "0.1.0"
