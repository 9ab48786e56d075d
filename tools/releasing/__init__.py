"""Turning a finished run into a folder for the Hugging Face hub, and using such a folder."""
