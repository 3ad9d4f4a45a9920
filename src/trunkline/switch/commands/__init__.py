"""What the switch does when it is told to over its admin socket: one file per subject."""
