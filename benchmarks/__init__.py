"""Benchmarks: what the documentation says of speed is printed by ``make bench``.

They are no tests: machines differ, and only ratios within one run mean anything.
"""
