"""A bidder that is described by the configuration; without a description, one that speaks our own format."""
