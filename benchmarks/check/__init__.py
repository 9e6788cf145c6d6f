"""The confusion table of ``chainrule check``: what it says of attempts that are known to be wrong.

It is no test: ``make bench-check`` prints the figures that docs/benchmarks.md has.
"""
