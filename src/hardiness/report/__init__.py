"""Stored records to scores, tables and pages; never a model."""
