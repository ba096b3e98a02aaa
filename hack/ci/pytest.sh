#!/usr/bin/env bash
# Runs pytest on all cores (with -n 0: one test after the other), then runs what failed once more, alone. A machine that
# others use stalls for seconds at times. A test that passes at the second try only is still a bug: its name is
# printed, and added to the file $FLAKY if that is set.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

TESTS_FAILED=1 # pytest's exit code for it; all others have another cause
# Tests wait for time to pass as often as they compute: one more than there are cores keeps these busy.
WORKERS=${TEST_WORKERS:-$(($(nproc) + 1))}

# Some machines forbid Python to keep compiled modules; each worker, and each process it starts, would then compile all.
unset PYTHONDONTWRITEBYTECODE

# failed: the tests that failed when they last ran, one a line.
failed() {
  .venv/bin/python -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")' 2>/dev/null | sort
}

# Without the cache of earlier runs: it would name their failures, too.
.venv/bin/pytest -q -n "$WORKERS" --dist worksteal --cache-clear "$@" && exit
rc=$?
((rc == TESTS_FAILED)) || exit "$rc"
first=$(failed)
# Workers that collect different tests run none; pytest would take that for "play all again".
[[ $first == *::* ]] || exit "$rc"

printf '\n    once more, only what failed:\n'
.venv/bin/pytest -q --last-failed --last-failed-no-failures=none "$@" -n 0
rc=$?
flaky=$(comm -23 <(printf '%s\n' "$first") <(failed))
if [[ -n $flaky ]]; then
  printf '    passed at the second try only:\n'
  tee -a "${FLAKY:-/dev/null}" <<<"$flaky"
fi
exit "$rc"
