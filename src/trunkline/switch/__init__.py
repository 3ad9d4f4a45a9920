"""The switch: takes calls, decides, connects, writes down. The one process that holds the data plane together."""
