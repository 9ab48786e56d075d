"""The configuration: every key, its type, its default and what it means. `whole` is all of it."""
