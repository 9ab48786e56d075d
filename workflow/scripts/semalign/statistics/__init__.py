"""Results of runs, bootstrap intervals, paired tests."""
