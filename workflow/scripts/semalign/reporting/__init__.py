"""What a run cost, where results come from, and what is said at its end."""
