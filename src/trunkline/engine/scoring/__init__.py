"""What traffic has been worth: the rate book, and chances drawn from it."""
