# pyright: strict
"""Means, deviations and extremes of the samples' columns, of arrays and of sparse samples."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.sparse_samples import SparseSamples

Array: TypeAlias = NDArray[Any]


class ColumnStatistics(NamedTuple):
    """Statistics of each column, (inputs,) each.

    Attributes
    ----------
    mean, deviation : array (inputs,)
        The mean and the standard deviation.
    size : array (inputs,)
        The root mean square.
    smallest, largest : array (inputs,)
    """

    mean: Array
    deviation: Array
    size: Array
    smallest: Array
    largest: Array


def column_statistics(x: Array | SparseSamples) -> ColumnStatistics:
    """Return the statistics of samples (n, inputs)."""
    if isinstance(x, SparseSamples):
        return sparse_statistics(x)
    size = root_mean_squares(x)
    return ColumnStatistics(x.mean(axis=0), x.std(axis=0), size, x.min(axis=0), x.max(axis=0))


def root_mean_squares(columns: Array) -> Array:
    """Return the root mean square of each column of (n, k), (k,), without overflow."""
    largest = np.abs(columns).max(axis=0)  # (k,)
    unit = np.where(largest > 0, largest, 1.0)  # (k,)
    return largest * np.sqrt(np.mean((columns / unit) ** 2, axis=0))


def sparse_statistics(x: SparseSamples) -> ColumnStatistics:
    """Return the statistics of sparse samples, of which most entries are 0 and not stored."""
    x = without_duplicates(x)
    n, inputs = x.shape
    values, places = x.values, x.columns
    count = np.bincount(places, minlength=inputs)  # (inputs,), of the stored entries
    smallest, largest = np.where(count < n, 0.0, np.inf), np.where(count < n, 0.0, -np.inf)
    np.minimum.at(smallest, places, values)
    np.maximum.at(largest, places, values)
    bound = np.maximum(np.abs(smallest), np.abs(largest))  # (inputs,)
    unit = np.where(bound > 0, bound, 1.0)  # so that squares do not overflow
    scaled = values / unit[places]
    mean = sums(scaled, places, inputs) / n  # (inputs,), of the scaled entries
    off = (scaled - mean[places]) ** 2
    square = (sums(off, places, inputs) + (n - count) * mean**2) / n
    deviation = np.where(largest > smallest, np.sqrt(square), 0.0)
    size = np.sqrt(sums(scaled**2, places, inputs) / n)
    return ColumnStatistics(mean * unit, deviation * unit, size * unit, smallest, largest)


def without_duplicates(x: SparseSamples) -> SparseSamples:
    """Return the samples with entries that are stored twice added up."""
    matrix = x.matrix.copy()
    matrix.sum_duplicates()
    return SparseSamples(matrix)


def sums(values: Array, places: Array, count: int) -> Array:
    """Return the sum of the values at each place, (count,)."""
    return np.bincount(places, weights=values, minlength=count)


def standardized(x: Any) -> Any:
    """Return columns of standard deviation 1, constant ones as 0 or as they are, and of mean 0.

    The means of sparse samples stay, so that what is not stored stays 0.
    """
    if not isinstance(x, SparseSamples):
        deviation = x.std(axis=0)  # (inputs,)
        return (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    deviation = column_statistics(x).deviation
    scaled = without_duplicates(x).matrix
    scaled.data = scaled.data / np.where(deviation > 0, deviation, 1.0)[scaled.indices]
    return SparseSamples(scaled)


def products_of_rows(x: Array | SparseSamples) -> Array:
    """Return the products of every two samples, (n, n), with standardized columns.

    Distances between samples follow from them; those do not depend on the columns' means.
    """
    rows = standardized(x)
    if isinstance(rows, SparseSamples):
        return (rows.matrix @ rows.matrix.T).toarray()
    return rows @ rows.T
