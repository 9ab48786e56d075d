"""Rewards: the built-in ones and a user's own."""
