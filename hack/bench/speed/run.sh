#!/usr/bin/env bash
# `make bench`: writes docs/bench.md. Options are those of hack.bench.speed.speed.
set -euo pipefail
# shellcheck source=hack/ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../ci/lib.sh"

cd "$REPO_ROOT"
[[ -x .venv/bin/python ]] || fail "there is no Python environment (.venv)" "run: make venv"
command -v wrk >/dev/null || fail "there is no wrk on the PATH" "run as root: hack/ci/install.sh router test"
(($#)) || set -- --page docs/bench.md
exec env PYTHONPATH=operator:. .venv/bin/python -m hack.bench.speed "$@"
