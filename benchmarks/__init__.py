"""Benchmarks: ``make bench`` prints the times that the documentation has.

Machines differ, so only ratios within one run are meaningful.
"""
