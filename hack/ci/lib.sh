# Helpers for the shell scripts in hack/: where files are kept, and how progress and failures are printed. Source it.
# shellcheck shell=bash

# Everything that is expensive to build lives outside the checkout, so that a second clone finds it.
POOLKEEPER_CACHE=${POOLKEEPER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/poolkeeper}
REPO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export POOLKEEPER_CACHE REPO_ROOT

# say WHAT STATE [DETAIL]: one line of progress, in columns, on stderr (stdout belongs to answers).
say() { printf '  %-30s %-9s %s\n' "$1" "$2" "${3:-}" >&2; }

# fail SEEN TO_DO: what was seen, and what to do about it.
fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  [[ -z ${2:-} ]] || printf '  to do: %s\n' "$2" >&2
  exit 1
}

# now_s: seconds as a fraction; elapsed SINCE: "12.3 s".
now_s() { printf '%s' "$EPOCHREALTIME"; }
elapsed() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f s", b - a}'; }

# hash_of PATH...: one short hash over the contents and the relative names of files and folders.
hash_of() {
  local path
  for path in "$@"; do
    if [[ -d $path ]]; then
      (cd "$path" && find . -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0r sha256sum)
    else
      sha256sum <"$path"
    fi
  done | sha256sum | cut -c1-16
}

# take_lock NAME: one at a time on this machine, until this script ends (killed or not). LOCK_FD is the descriptor:
# what outlives the script must be started without it.
take_lock() {
  local name=$1
  mkdir -p "$POOLKEEPER_CACHE/locks"
  exec {LOCK_FD}>"$POOLKEEPER_CACHE/locks/$name"
  flock -n "$LOCK_FD" && return
  say "$name" waiting "another $name is at work on this machine"
  flock "$LOCK_FD"
}

# run_logged NAME LOG COMMAND...: a long build. Its output goes to the log, its progress to the terminal. It has
# low priority, and its whole process group ends with this script.
run_logged() {
  local name=$1 log=$2 since beat=0
  shift 2
  since=$(now_s)
  mkdir -p "${log%/*}"
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  RUNNING=$!
  set +m
  renice -n 10 -g "$RUNNING" >/dev/null 2>&1 || true
  trap '[[ -z $RUNNING ]] || kill -- "-$RUNNING" 2>/dev/null' EXIT
  trap 'exit 130' INT TERM
  say "$name" building
  while kill -0 "$RUNNING" 2>/dev/null; do
    sleep 0.2
    ((++beat % 150)) || say "$name" building "$(elapsed "$since")"
  done
  wait "$RUNNING" || { RUNNING='' && fail "$name was not built: $(tail -n 1 "$log" | cut -c1-300)" "read $log"; }
  RUNNING=''
  say "$name" built "$(elapsed "$since")"
}
