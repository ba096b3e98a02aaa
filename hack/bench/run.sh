#!/usr/bin/env bash
# `make bench`: ours against bare nginx, in one run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec .venv/bin/python hack/bench/bench.py "$@"
