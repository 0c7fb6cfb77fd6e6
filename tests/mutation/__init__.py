"""Mutation testing: one-line faults are planted in copies of the package, and the tests must notice them.

`mutants` generates the faults (`operators` for Python, `native` for C++), `select` chooses the tests that reach one,
`forks` runs them in a forked process on a copy, `run` is the command line: `python -m tests.mutation.run --help`.
"""
