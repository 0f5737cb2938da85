"""Comparisons of several runs, one file each, found by being here; see ``hardiness.scoring.comparison``."""
