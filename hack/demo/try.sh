#!/usr/bin/env bash
# `make try`: the story of a failing provider and its rescue, without a cluster. Only nginx with Lua and Python are needed.
# Ends by itself; exit 1 when anything did not hold.
set -euo pipefail
# shellcheck source=hack/ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../ci/lib.sh"

cd "$REPO_ROOT"
[[ -x .venv/bin/python ]] || fail "there is no Python environment (.venv)" "run: make venv"
command -v nginx >/dev/null || fail "there is no nginx on the PATH" "run as root: hack/ci/install.sh router"
exec env PYTHONPATH=operator:. .venv/bin/python -m hack.demo.story
