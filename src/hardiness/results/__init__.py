"""Stored runs to results: tables, scores, and what several runs say together."""
