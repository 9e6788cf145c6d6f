"""Lines that make a file train that only defines functions and classes, with its own names."""
