#!/usr/bin/env bash
# The conformance suite against Poolkeeper and LiteLLM; writes docs/conformance.md. Options are those of hack.bench.conformance.
set -euo pipefail
# shellcheck source=hack/ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../ci/lib.sh"

cd "$REPO_ROOT"
[[ -x .venv/bin/python ]] || fail "there is no Python environment (.venv)" "run: make venv"
command -v nginx >/dev/null || fail "there is no nginx on the PATH" "run as root: hack/ci/install.sh router"
(($#)) || set -- --page docs/conformance.md
exec env PYTHONPATH=operator:. .venv/bin/python -m hack.bench.conformance "$@"
