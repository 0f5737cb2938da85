"""Results in the forms that papers and other tools read: one file a form."""

from hardiness.report.exports.exporter import Exporter, offered_names, registry, tables_in

__all__ = ["Exporter", "offered_names", "registry", "tables_in"]
