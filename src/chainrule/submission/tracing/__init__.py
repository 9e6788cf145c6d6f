"""Run a program while every number that it computes is recorded, or changed on the way."""
