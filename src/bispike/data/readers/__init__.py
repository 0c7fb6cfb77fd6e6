"""Readers that several formats share: characters and tables, images, NumPy files, stimuli of a user's files."""
