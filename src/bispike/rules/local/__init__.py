"""Rules whose layers learn from a loss of their own."""
