"""Which buyers want this caller, now, at what price, in what order, and why the others do not."""
