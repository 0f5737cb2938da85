"""Keeps the line about compiling kernels out of what tests read: who compiles them first in a clone is chance."""

import logging

logging.getLogger("hardiness.compiling").setLevel(logging.ERROR)
