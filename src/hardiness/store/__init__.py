"""Run keys, atomic writes, resume, listing; knows no metric."""
