"""Results in the forms that papers and other tools read: one file a form."""

from hardiness.report.exports.exporter import Exporter, registry, tables_in

__all__ = ["Exporter", "registry", "tables_in"]
