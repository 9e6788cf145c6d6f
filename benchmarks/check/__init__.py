"""Count the verdicts of ``chainrule check`` on attempts whose true verdicts are known.

``make bench-check`` prints the tables in docs/benchmarks.md.
"""
