"""Estimates and what follows from them: arrays in, numbers out; knows no run and no protocol."""
