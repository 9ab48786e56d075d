"""The tables, and how a table is written."""
