#!/usr/bin/env bash
# Everything, in the order in which a failure is cheapest to find. Continues after a failed stage, so that one run shows
# all failures, and ends with a table and the names of flaky tests. Cluster tests that cannot run here are listed as skipped with
# the reason.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"

FLAKY=$(mktemp) # where hack/ci/pytest.sh leaves the names of tests that needed a second try
export FLAKY
trap 'rm -f "$FLAKY"' EXIT

names=() states=() seconds=()
failed=0

stage() { # stage NAME COMMAND...
  local name=$1 start=$SECONDS state=ok
  shift
  printf '\n==> %s\n' "$name"
  if ! "$@"; then
    state=FAILED
    failed=1
  fi
  names+=("$name") states+=("$state") seconds+=($((SECONDS - start)))
  [[ $state == ok ]]
}

skip() { # skip NAME REASON
  printf '\n==> %s\n    skipped: %s\n' "$1" "$2"
  names+=("$1") states+=("skipped: $2") seconds+=(0)
}

summary() {
  printf '\n%-28s %8s  %s\n' "stage" "seconds" "result"
  local i
  for i in "${!names[@]}"; do
    printf '%-28s %8d  %s\n' "${names[$i]}" "${seconds[$i]}" "${states[$i]}"
  done
  if [[ -s $FLAKY ]]; then
    printf '\nflaky, passed at the second try only:\n'
    sed 's/^/  /' "$FLAKY"
  fi
}

stage "packages" hack/ci/install.sh router test cluster || { summary; exit 1; }
stage "python environment" make --no-print-directory venv || { summary; exit 1; }
stage "lint and generated files" make --no-print-directory verify
stage "router: pure Lua (busted)" busted tests/lua
stage "helm, for the chart tests" hack/cluster/build.sh helm
stage "everything without a cluster" hack/ci/pytest.sh -m "not timing and not cluster" tests hack/tests
stage "conformance" hack/ci/pytest.sh -m "conformance and not timing" tests
stage "what measures time, alone" hack/ci/pytest.sh -n 0 -m "timing and not cluster" tests hack/tests

ground=$(hack/cluster/ground.sh)
case $ground in
none:*) skip "real cluster" "${ground#none:}" ;;
*)
  if stage "cluster ($ground)" hack/cluster/cluster up && stage "images" hack/images/build.sh; then
    stage "real cluster" hack/ci/pytest.sh -n 0 -m cluster tests
  fi
  ;;
esac

summary
exit "$failed"
