"""Differences of models with intervals, places, power, and where a difference comes from: functions of plain arrays."""
