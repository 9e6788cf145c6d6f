"""The live page: the worked example as an instrument that computes the engine's equations."""
