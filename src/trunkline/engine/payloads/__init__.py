"""What goes to buyers and bidders and comes back, apart from what it is about: templates, bodies, paths into answers."""
