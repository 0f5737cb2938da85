"""Trackers of experiments that a run tells how it goes: one file each."""

from hardiness.report.loggers.logger import Logger, Tracked, TrackerKind, register, registry
from hardiness.report.loggers.tracking import Tracking

__all__ = ["Logger", "Tracked", "TrackerKind", "Tracking", "register", "registry"]
