"""Bidders and lead buyers for tests and demonstrations: real HTTP on loopback, behaving as their script says."""
