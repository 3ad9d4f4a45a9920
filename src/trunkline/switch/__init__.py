"""The data plane: wires the drivers, stores and engine together."""
