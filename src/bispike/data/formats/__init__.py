"""File formats of data sets, one per file."""
