"""Model specs, the one Classifier, and its runtimes."""
