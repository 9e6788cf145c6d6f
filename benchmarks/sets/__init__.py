"""Eight real data sets, learned by scikit-learn's estimators and by ours with the same script.

``python -m benchmarks.sets`` prints the table; nothing of the engines is timed apart.
"""
