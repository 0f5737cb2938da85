"""Named protocols: data, conditions, decision rule and scorer."""
