"""The whole config, and all that is checked before anything runs."""
