"""What goes to buyers and bidders and comes back, whatever it is about: templates, and paths into answers."""
