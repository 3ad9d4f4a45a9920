"""The selling side: publishers ask what a lead or a call is worth, and send it when they like the answer."""
