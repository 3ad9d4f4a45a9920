"""What servers say, as it can be written down."""

from __future__ import annotations


def written(text: str) -> str:
    """A text that can be written anywhere: bytes that were no UTF-8 come as lone surrogates, which nothing encodes."""
    return text.encode(errors="backslashreplace").decode()
