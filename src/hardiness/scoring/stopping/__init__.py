"""Answers before the whole is run: intervals that may be looked at, and the rule that stops."""
