# Runs stages, one after the other or beside each other, and prints a table of seconds and results at the end. Source it.
# shellcheck shell=bash

FLAKY=$(mktemp) # hack/ci/pytest.sh adds the names of tests that passed at the second try only
BESIDE=$(mktemp -d) # output and exit status of stages that run beside others
export FLAKY

names=() states=() seconds=()
running=() pids=() # stages that run beside others
failed=0

end() {
  local pid
  for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null; done
  rm -rf "$FLAKY" "$BESIDE"
}
trap end EXIT
trap 'exit 130' INT TERM

# stage NAME COMMAND...: returns how it ended. The script continues after a failure, so that one run shows all failures.
stage() {
  local name=$1 start=$SECONDS state=ok
  shift
  printf '\n==> %s\n' "$name"
  "$@" || state=FAILED
  enter "$name" "$state" $((SECONDS - start))
}

# beside NAME COMMAND...: runs while the next stages run. `joined` prints its output. Its process group ends with this script.
beside() {
  local name=$1 place=$BESIDE/${#running[@]} start=$SECONDS
  shift
  set -m
  {
    "$@" >"$place.output" 2>&1 </dev/null
    echo "$? $((SECONDS - start))" >"$place.ended"
  } &
  set +m
  running+=("$name") pids+=($!)
}

# joined: waits for all stages that run beside, and enters them in the table.
joined() {
  local number state took
  wait "${pids[@]}"
  for number in "${!running[@]}"; do
    printf '\n==> %s\n' "${running[number]}"
    cat "$BESIDE/$number.output"
    read -r state took <"$BESIDE/$number.ended"
    if ((state == 0)); then state=ok; else state=FAILED; fi
    enter "${running[number]}" "$state" "$took"
  done
  running=() pids=()
}

enter() {
  names+=("$1") states+=("$2") seconds+=("$3")
  [[ $2 != FAILED ]] || failed=1
  [[ $2 != FAILED ]]
}

# skip NAME REASON
skip() {
  printf '\n==> %s\n    skipped: %s\n' "$1" "$2"
  enter "$1" "skipped: $2" 0
}

# finish: prints the table and the names of flaky tests. Exits with 1 if a stage failed.
finish() {
  local number
  printf '\n%-28s %8s  %s\n' "stage" "seconds" "result"
  for number in "${!names[@]}"; do
    printf '%-28s %8d  %s\n' "${names[number]}" "${seconds[number]}" "${states[number]}"
  done
  printf '%-28s %8d\n' "total" "$SECONDS"
  if [[ -s $FLAKY ]]; then
    printf '\nflaky, passed at the second try only:\n'
    sed 's/^/  /' "$FLAKY"
  fi
  exit "$failed"
}
