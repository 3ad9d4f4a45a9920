"""The configuration: schema, reading, validation, comparison. The contract between those who set and who run."""
