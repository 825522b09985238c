"""Mutation testing: small faults are inserted into the key modules, and the tests must detect each.

The library mutmut creates the faults (mutants) and runs the tests. Each key module has its own
folder, which keeps the results: the next run repeats only what is necessary.
"""
