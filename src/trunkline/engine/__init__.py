"""The engine: what to do with a call or a lead. Pure; everything it needs comes in as arguments."""
