#!/usr/bin/env bash
# One benchmark or drill: hack/bench/run.sh speed|speed.guard|speed.where|incidents|conformance|soak|chaos|scale [OPTIONS]. Without options it writes its page in docs/.
# `--quick` (speed, incidents) takes less than a minute and writes no page; `--help` lists the options.
set -euo pipefail
# shellcheck source=hack/ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../ci/lib.sh"

declare -A PAGES=([speed]=docs/bench.md [speed.guard]="" [speed.where]="" [incidents]=docs/incidents.md [conformance]=docs/conformance.md [soak]="" [chaos]=docs/chaos.md [scale]=docs/scale.md)
name=${1:-}
[[ -n $name && -v PAGES[$name] ]] || fail "seen '$name', wanted one of: ${!PAGES[*]}" "hack/bench/run.sh speed --quick"
shift

cd "$REPO_ROOT"
[[ -x .venv/bin/python ]] || fail "there is no Python environment (.venv)" "run: make venv"
[[ $name == soak ]] || command -v nginx >/dev/null || fail "there is no nginx on the PATH" "run as root: hack/ci/install.sh router"
[[ $name != speed* ]] || command -v wrk >/dev/null || fail "there is no wrk on the PATH" "run as root: hack/ci/install.sh test"
(($#)) || [[ -z ${PAGES[$name]} ]] || set -- --page "${PAGES[$name]}"
exec env PYTHONPATH=operator:. .venv/bin/python -m "hack.bench.$name" "$@"
