"""The rules of a policy on the runs of a folder: which number each is on, and the evidence of it."""
