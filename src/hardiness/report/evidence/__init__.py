"""Evidence that can be filed: one JSON of what was tested and found, and one page of it that prints."""
