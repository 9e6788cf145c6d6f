"""Use a submitted class: create it, find its parameters, call its methods, read the results."""
