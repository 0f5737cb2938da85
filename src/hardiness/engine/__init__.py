"""Evaluation: what is missing is computed, unit by unit, and stored."""
