"""What we ask of others over HTTP."""
