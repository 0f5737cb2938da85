"""What others said of photographs that runs were made on: one module for each source of labels."""
