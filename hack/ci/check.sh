#!/usr/bin/env bash
# A check of a change within a minute: lint, types, layers, decisions and laws in both languages, and a smoke test of the
# router. It draws the same examples each time. `make test` runs everything.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"
# shellcheck source=hack/ci/stages.sh
source hack/ci/stages.sh

QUICK=(tests/unit tests/property tests/house tests/golden hack/tests)
SMOKE=(tests/router/test_{surface,failover,recovery,document,breaker,isolation}.py)

beside "lint and generated files" make --no-print-directory verify
beside "router: pure Lua (busted)" busted tests/lua
stage "unit, property, router" hack/ci/pytest.sh --hypothesis-profile=check \
  -m "smoke or not (router or cluster or slow or paced or timing)" "${QUICK[@]}" "${SMOKE[@]}"
joined
finish
