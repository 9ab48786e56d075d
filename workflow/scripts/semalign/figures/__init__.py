"""Figures from finished results: one module a figure or a few, all drawn through `style.picture`."""
