"""Work that is never in the call path: what-if runs, and later projections, delivery and reports."""
