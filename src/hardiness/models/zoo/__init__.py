"""Prefixes that make a spec from a name elsewhere: one file each."""
