"""How a job runs: files, errors, progress, device, signals, workspace, checkpoints, processes, provenance."""
