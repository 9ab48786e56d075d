"""Overlays that `make language` writes."""
