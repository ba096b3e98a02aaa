#!/usr/bin/env bash
# pytest, and what failed once more, alone. A machine shared with others stalls for seconds at times; a test that needed
# its second chance is named in the output, and is a bug all the same.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

.venv/bin/pytest -q "$@" && exit
printf '\n    once more, only what failed:\n'
.venv/bin/pytest -q --last-failed --last-failed-no-failures=none "$@" || exit
printf '    passed at the second try only: the tests named FAILED or ERROR above\n'
