#!/usr/bin/env bash
# The conformance suite against Poolkeeper and LiteLLM; writes docs/conformance.md. Options are those of hack.conformance.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

cd "$REPO_ROOT"
[[ -x .venv/bin/python ]] || fail "there is no Python environment (.venv)" "run: make venv"
command -v nginx >/dev/null || fail "there is no nginx on the PATH" "run as root: hack/install.sh router"
(($#)) || set -- --page docs/conformance.md
exec env PYTHONPATH=operator:tests .venv/bin/python -m hack.conformance "$@"
