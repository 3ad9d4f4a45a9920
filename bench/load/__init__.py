"""Call load for benchmarks: callers and buyers of sipp, the switch and its peer, pinned to cores of their own."""
