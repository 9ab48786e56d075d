"""The configuration: every key, its type, its default and what it means. `preflight.root` is all of it."""
