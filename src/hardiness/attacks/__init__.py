"""Attacks on a logits callable: pixels in, iterates out; the geometry of each norm in one place."""
