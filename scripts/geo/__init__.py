"""Builds the tables of area codes and ZIP codes in `src/trunkline/engine/geo/data`. See docs/reference/geo-data.md."""
