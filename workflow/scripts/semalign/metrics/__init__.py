"""Metrics, one a file: texts or token scores in, figures out."""
