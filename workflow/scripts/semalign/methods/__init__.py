"""Rivals and remedies: every other file here but `base` is a method, which `frontier.methods` names by the file's name.

A method's file holds `Settings`, a subclass of `base.Trained` or `base.Decoded`, and the function that the class asks
for. Another method is another file here and an entry in the config. Snakemake reads the settings whenever it starts, so
what is heavy is imported within functions.
"""
