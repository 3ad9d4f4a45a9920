"""Stores of leases: where seats and funds are held, used and given back."""
