"""What an event is worth: when a buyer owes, what a publisher earns."""
