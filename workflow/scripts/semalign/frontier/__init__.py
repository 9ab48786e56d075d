"""The frontier: what each method costs at equal adequacy, not at the end of its training."""
