"""What happens, as versioned facts: the journal's vocabulary and the sealing of personal fields. Pure."""
