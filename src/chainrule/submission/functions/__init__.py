"""Call a submitted function: find the order, grouping and shapes of its arguments."""
