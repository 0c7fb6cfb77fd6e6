"""Sections of the report on one run, one file each; all modules of this folder are found (see `registry`)."""
