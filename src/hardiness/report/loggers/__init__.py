"""Trackers of experiments that a run tells how it goes: one file each."""

from hardiness.report.loggers.logger import Kind, Logger, Tracked, register, registry
from hardiness.report.loggers.tracking import Tracking

__all__ = ["Kind", "Logger", "Tracked", "Tracking", "register", "registry"]
