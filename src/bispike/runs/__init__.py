"""The folder of a run: its files, reading and writing, and its lock."""
