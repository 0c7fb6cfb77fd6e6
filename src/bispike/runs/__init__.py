"""The folder of a run: what it holds, how it is read and written, and the lock that protects it."""
