"""The functions that are compiled: products, layer passes, updates, whole runs of batches."""
