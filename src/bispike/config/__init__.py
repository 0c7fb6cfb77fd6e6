"""Settings of a training: one table, checks, presets, and the way from a command line to a complete configuration."""
