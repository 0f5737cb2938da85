"""Trackers of experiments that a run tells how it goes: one file each."""

from hardiness.report.loggers.logger import Logger, TrackerKind, TrackerRun, register, registry
from hardiness.report.loggers.tracking import TrackingSession

__all__ = ["Logger", "TrackerKind", "TrackerRun", "TrackingSession", "register", "registry"]
