"""The play that `./trunkline demo` gives: an agency, its buyers, its callers, and what has to come of it."""
