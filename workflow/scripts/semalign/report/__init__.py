"""The report: one HTML file that holds a run's results, and how they were made."""
