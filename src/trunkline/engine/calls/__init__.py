"""The call machine: from the first INVITE to the last settled seat. Pure: inputs in, commands out."""
