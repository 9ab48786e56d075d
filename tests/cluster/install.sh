#!/usr/bin/env bash
# What the tests of SLURM need, on Debian and Ubuntu, as root: its two daemons, its commands and munge.
# Where there is no network it soon gives up.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
options=(--quiet --option=Acquire::Retries=0 --option=Acquire::http::Timeout=10 --option=Acquire::https::Timeout=10)
install=(install --yes --no-install-recommends slurmctld slurmd slurm-client munge)
timeout 60 apt-get "${options[@]}" update
timeout 120 apt-get "${options[@]}" --download-only "${install[@]}" # what is killed here leaves nothing half-installed
apt-get "${options[@]}" --no-download "${install[@]}"
