"""Mutation testing: small faults are put into the key modules, and the tests have to notice each.

The library mutmut makes the faults (the mutants) and runs the tests. Each key module has a folder
of its own, in which the results stay: the next run repeats only what it has to.
"""
