"""The IVR: the graph that greets and qualifies a caller, as a machine without I/O."""
