"""Convert arrays between the standard layout and a submission's own, and find them in results."""
