"""Benchmarks of the code that users run, and the floors that they are compared with."""
