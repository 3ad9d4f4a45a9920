"""Where numbers were issued and where ZIP codes are, in own tables: a router has to know what it does not know."""
