"""Results in the forms that papers and other tools read: one file a form."""

from hardiness.report.exports.exporter import Exporter, registry

__all__ = ["Exporter", "registry"]
