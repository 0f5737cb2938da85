"""Records to scores: pure functions, found by name."""
