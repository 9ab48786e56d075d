#!/usr/bin/env bash
# Install Debian packages that some tests need, as root: tests/install.sh slurm, or tests/install.sh chromium.
# Where there is no network it soon gives up.
set -euo pipefail
case "${1:-}" in
    slurm) packages=(slurmctld slurmd slurm-client munge) ;;
    chromium) packages=(chromium chromium-driver) ;;
    *) echo "say what: slurm, for tests/cluster, or chromium, for tests/browser" >&2; exit 1 ;;
esac
export DEBIAN_FRONTEND=noninteractive
options=(--quiet --option=Acquire::Retries=0 --option=Acquire::http::Timeout=10 --option=Acquire::https::Timeout=10)
install=(install --yes --no-install-recommends "${packages[@]}")
timeout 60 apt-get "${options[@]}" update
timeout 120 apt-get "${options[@]}" --download-only "${install[@]}" # what is killed here leaves nothing half-installed
apt-get "${options[@]}" --no-download "${install[@]}"
