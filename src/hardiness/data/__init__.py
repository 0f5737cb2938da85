"""Data sets on disk, in archives and in packages: find, check, iterate."""
