"""What is fuzzed, one module per area; each has a list `TARGETS`."""
