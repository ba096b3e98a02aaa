#!/usr/bin/env bash
# pytest, on all cores unless told otherwise (-n 0: one test after the other), and what failed once more, alone. A machine
# shared with others stalls for seconds at times; a test that needed its second chance is a bug all the same: it is named
# at the end, and in the file $FLAKY where there is one.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

TESTS_FAILED=1 # pytest's word for it; all other endings are no matter of a test
# Tests wait for time to pass as often as they compute: one more than there are cores keeps these busy.
WORKERS=${TEST_WORKERS:-$(($(nproc) + 1))}

# failed: the tests that had failed when they were played last, one a line.
failed() {
  .venv/bin/python -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")' 2>/dev/null | sort
}

.venv/bin/pytest -q -n "$WORKERS" --dist worksteal "$@" && exit
rc=$?
((rc == TESTS_FAILED)) || exit "$rc"
first=$(failed)

printf '\n    once more, only what failed:\n'
.venv/bin/pytest -q --last-failed --last-failed-no-failures=none "$@" -n 0
rc=$?
flaky=$(comm -23 <(printf '%s\n' "$first") <(failed))
if [[ -n $flaky ]]; then
  printf '    passed at the second try only:\n'
  tee -a "${FLAKY:-/dev/null}" <<<"$flaky"
fi
exit "$rc"
