"""Leads on the live switch: taken in over HTTP, sold by the engine, posted to their buyers."""
