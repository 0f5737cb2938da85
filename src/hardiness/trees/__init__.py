"""Writers of corrupted and perturbed trees of files."""
