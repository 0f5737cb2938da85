"""Writers of corrupted and perturbed trees of files: the pictures that a benchmark would generate."""
