"""Lists of contacts: who must not be called, or must be known, by number, prefix or hash."""
