"""Moving audio: the embedded RTP backend, prompts and recordings."""
