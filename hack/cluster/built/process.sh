# Programs of the cluster as processes of this machine: started detached, recognised before they are trusted or ended.
# shellcheck shell=bash

# is_ours PID NAME: whether the process is that program of this cluster. Numbers are reused, after a reboot at the
# latest, so a pid file alone proves nothing.
is_ours() {
  local argv
  mapfile -d '' argv 2>/dev/null <"/proc/$1/cmdline" || return
  [[ ${argv[0]:-} == */"$2" && " ${argv[*]:1}" == *"$STATE/"* ]]
} 2>/dev/null

# pid_of NAME: prints the process id if it runs.
pid_of() {
  local pid
  pid=$(cat "$STATE/pids/$1" 2>/dev/null) && [[ $pid =~ ^[0-9]+$ ]] && is_ours "$pid" "$1" && echo "$pid"
}

# all_ours NAME...: the ids of every such process, also of those whose pid file is gone.
all_ours() {
  local folder name
  for folder in /proc/[0-9]*; do
    for name in "$@"; do
      ! is_ours "${folder#/proc/}" "$name" || echo "${folder#/proc/}"
    done
  done
}

# start NAME ARGUMENT...: runs on when the calling shell is gone, keeps none of its descriptors (a pipe held open would
# make the caller's caller wait for ever) and sees nothing of its environment (proxies, credentials).
start() {
  local name=$1 program
  shift
  program=$(command -v "$name") || fail "$name is not built" "hack/cluster/build.sh"
  mkdir -p "$STATE/pids" "$LOGS"
  (
    cd /
    exec </dev/null >>"$LOGS/$name.log" 2>&1
    for descriptor in /proc/"$BASHPID"/fd/*; do
      descriptor=${descriptor##*/}
      ((descriptor <= 2)) || eval "exec $descriptor>&-"
    done
    setsid env -i PATH="$PATH" HOME=/root "$program" "$@" &
    echo $! >"$STATE/pids/$name"
  )
  # A moment passes before the new process is that program.
  local pid tries=250
  pid=$(<"$STATE/pids/$name")
  until is_ours "$pid" "$name" || [[ ! -e /proc/$pid ]] || ((--tries == 0)); do sleep 0.02; done
}

# wait_for NAME SECONDS COMMAND...: until the command succeeds; the program NAME must live as long.
wait_for() {
  local name=$1 limit_s=$2 since told
  shift 2
  since=$(now_s) told=$SECONDS
  local deadline=$((SECONDS + limit_s))
  until "$@" >/dev/null 2>&1; do
    pid_of "$name" >/dev/null || give_up "$name" "it ended" || return
    ((SECONDS < deadline)) || give_up "$name" "not ready after $limit_s s" || return
    ((SECONDS < told + 10)) || { told=$SECONDS && say "$name" waiting "$(elapsed "$since")"; }
    sleep 0.1
  done
  say "$name" ready "$(elapsed "$since")"
}

give_up() {
  say "$1" failed "$2; log: $LOGS/$1.log"
  tail -n 3 "$LOGS/$1.log" | cut -c1-300 >&2
  return 1
}

# end PID...: at once. What these programs know is thrown away afterwards, so there is nothing to flush.
end() {
  local pid
  (($# == 0)) || kill -KILL "$@" 2>/dev/null || true
  for pid in "$@"; do
    while [[ -e /proc/$pid && $(awk '{print $3}' "/proc/$pid/stat" 2>/dev/null) != Z ]]; do sleep 0.02; done
  done
}
