"""Reports that people read: the page, terminal tables, figures and exports, made from stored results alone."""
