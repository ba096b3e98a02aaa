#!/usr/bin/env bash
# `make bench`: writes docs/bench.md. Options are those of hack.bench.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

cd "$REPO_ROOT"
[[ -x .venv/bin/python ]] || fail "there is no Python environment (.venv)" "run: make venv"
command -v wrk >/dev/null || fail "there is no wrk on the PATH" "run as root: hack/install.sh router test"
(($#)) || set -- --page docs/bench.md
exec env PYTHONPATH=operator:tests:. .venv/bin/python -m hack.bench "$@"
