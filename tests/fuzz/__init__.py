"""Damaged and hostile files for every reader: a fast sample in the suite, as many as wanted with `make fuzz`."""
