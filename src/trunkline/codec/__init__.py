"""Audio and its packets, without I/O: G.711, WAV, RTP, RTCP, RFC 4733 digits, tones."""
