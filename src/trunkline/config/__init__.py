"""The configuration: schema, reading, validation, comparison. The one contract between those who set and those who run."""
