"""Read reported numbers from mappings, JSON and CSV: names, values and printed digits."""
