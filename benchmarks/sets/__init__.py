"""Compares scikit-learn's estimators with chainrule's on eight real data sets in one script.

``python -m benchmarks.sets`` prints the table.
"""
