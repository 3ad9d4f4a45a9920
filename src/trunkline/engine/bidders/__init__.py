"""How bidders are asked and how they answer, one folder for each network. Pure: requests out, readings in."""
