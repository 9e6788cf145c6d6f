"""Run a submitted file in a separate process with limits, and exchange messages with it."""
