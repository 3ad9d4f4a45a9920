"""The words everything else is built from: money, numbers, ids, time, errors. Pure."""
