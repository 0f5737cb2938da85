"""One picture to one picture: a file for each family of corruptions."""
