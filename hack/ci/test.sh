#!/usr/bin/env bash
# All tests, in the order in which a failure is cheapest to find: first those without a cluster on all cores, then those
# that mostly wait, many at once, then those that measure time, alone, then those with a cluster. Where there is no
# cluster, the table names the reason.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"
# shellcheck source=hack/ci/stages.sh
source hack/ci/stages.sh

stage "packages" hack/ci/install.sh router test cluster release browser || finish
stage "python environment" make --no-print-directory venv || finish
beside "helm, for the chart tests" hack/cluster/build.sh helm
beside "lint and generated files" make --no-print-directory verify
stage "router: pure Lua (busted)" busted tests/lua
# Most tests wait longer than they compute, a conformance case twice as long.
export TEST_WORKERS=$((3 * $(nproc)))
stage "everything without a cluster" hack/ci/pytest.sh -m "not (paced or timing or cluster)" hack/tests tests
joined
stage "conformance" env TEST_WORKERS=$((TEST_WORKERS + 1)) hack/ci/pytest.sh -m "conformance and not clients" tests
stage "what plays at its own pace" hack/ci/pytest.sh -m "paced" hack/tests tests
stage "what measures time, alone" hack/ci/pytest.sh -n 0 -m "timing" hack/tests tests

ground=$(hack/cluster/ground.sh)
case $ground in
none:*) skip "real cluster" "${ground#none:}" ;;
*)
  if stage "cluster ($ground)" hack/cluster/cluster up && stage "images" hack/images/build.sh; then
    stage "real cluster" hack/ci/pytest.sh -n 0 -m cluster tests
  fi
  ;;
esac
# After the cluster, which builds the programs that this needs.
stage "operator under faults" hack/ci/pytest.sh -n 0 -m chaos tests
finish
