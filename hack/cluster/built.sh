# The cluster of our own: one node, every program a process of this machine. Sourced by `cluster`.
# One cluster a machine: another checkout finds this one through the cache folder and uses it.
# shellcheck shell=bash

STATE=$POOLKEEPER_CACHE/cluster
LOGS=$POOLKEEPER_CACHE/logs/cluster
PKI=$STATE/pki
NODE=node1
NODE_IP=10.244.0.1
CGROUP=poolkeeper
KUBECONFIG=$STATE/kubeconfig
for part in kubernetes etcd containerd coredns; do
  PATH=$("$HERE/build.sh" --dir "$part"):$PATH
done
export PATH KUBECONFIG
# shellcheck source=hack/cluster/built/process.sh
source "$HERE/built/process.sh"
# shellcheck source=hack/cluster/built/pki.sh
source "$HERE/built/pki.sh"
# shellcheck source=hack/cluster/built/programs.sh
source "$HERE/built/programs.sh"
# shellcheck source=hack/cluster/built/host.sh
source "$HERE/built/host.sh"
# shellcheck source=hack/cluster/built/pause.sh
source "$HERE/built/pause.sh"

this_boot() { cat /proc/sys/kernel/random/boot_id; }
# What a running cluster must have been started with to be taken for ours.
settings() { hash_of "$HERE/built/config" "$HERE/built/programs.sh" "$HERE/built/pki.sh" <(command -v "${PROGRAMS[@]}"); }

up() {
  take_lock cluster
  if is_up; then
    say cluster ready "$KUBECONFIG"
    return
  fi
  local since
  since=$(now_s)
  "$HERE/../ci/install.sh" cluster
  "$HERE/build.sh"
  if [[ -e $STATE ]] && ! can_go_on; then clear_away; fi
  if ! start_missing; then
    say cluster failed "starting afresh"
    clear_away
    start_missing || fail "the cluster does not start" "read the log named above; hack/cluster/cluster down"
  fi
  say cluster ready "$(elapsed "$since"), $KUBECONFIG"
}

is_up() {
  local name
  [[ -e $STATE/settings ]] && can_go_on || return
  for name in "${PROGRAMS[@]}"; do pid_of "$name" >/dev/null || return; done
  ready_kube-apiserver >/dev/null 2>&1 && ready_kubelet >/dev/null 2>&1
}

# can_go_on: whether what lies there is of this boot and of these settings; processes may be missing.
can_go_on() {
  [[ $(cat "$STATE/boot" 2>/dev/null) == "$(this_boot)" ]] || { say cluster stale "of an earlier boot, or half made"; return 1; }
  [[ $(cat "$STATE/settings" 2>/dev/null) == "$(settings)" ]] || { say cluster stale "of other versions or settings"; return 1; }
}

start_missing() {
  local name
  refuse_strangers
  mkdir -p "$STATE/config/cni" "$STATE/cni"
  [[ -e $STATE/boot ]] || this_boot >"$STATE/boot"
  [[ -e $STATE/kubeconfig ]] || make_pki
  fill_config
  prepare_host
  start_all containerd etcd && wait_all containerd etcd || return
  [[ $(ctr images ls -q) == *localhost/pause:1* ]] || load_pause
  start_all kube-apiserver && wait_all kube-apiserver || return
  start_all "${PROGRAMS[@]}" && wait_all "${PROGRAMS[@]:3}" || return
  settings >"$STATE/settings"
}

start_all() {
  local name
  for name in "$@"; do pid_of "$name" >/dev/null || "start_$name"; done
}

wait_all() {
  local name
  for name in "$@"; do wait_for "$name" 90 "ready_$name" || return; done
}

# refuse_strangers: another cluster's programs on our ports would answer in place of ours.
refuse_strangers() {
  local port name pid
  while read -r port name; do
    pid=$(ss -Hltnp "sport = :$port" | grep -o 'pid=[0-9]*' | head -1) || true
    [[ -z $pid ]] || is_ours "${pid#pid=}" "$name" ||
      fail "port $port, which $name needs, belongs to process ${pid#pid=} ($(tr '\0' ' ' <"/proc/${pid#pid=}/cmdline" | cut -c1-80))" "end that cluster first"
  done <<<"2379 etcd
6443 kube-apiserver
10250 kubelet
10256 kube-proxy"
}

fill_config() {
  local file
  for file in "$HERE"/built/config/*; do
    sed -e "s|@STATE@|$STATE|g; s|@PKI@|$PKI|g; s|@NODE@|$NODE|g; s|@NODE_IP@|$NODE_IP|g; s|@CGROUP@|$CGROUP|g" \
      "$file" >"$STATE/config/${file##*/}"
  done
  mv "$STATE/config/cni.conflist" "$STATE/config/cni/"
  # A machine without name servers still wants the cluster's own names.
  grep -q '^nameserver' /etc/resolv.conf || sed -i '/forward/d' "$STATE/config/Corefile"
}

load_pause() {
  make_pause "$STATE/pause.tar"
  ctr images import "$STATE/pause.tar" >/dev/null
  rm "$STATE/pause.tar"
}

down() {
  take_lock cluster
  local since
  since=$(now_s)
  clear_away
  say cluster down "$(elapsed "$since")"
}

clear_away() {
  # The kubelet first: it would start again what is ended next.
  mapfile -t pids < <(all_ours kubelet)
  end "${pids[@]}"
  mapfile -t pids < <(container_processes)
  end "${pids[@]}"
  mapfile -t pids < <(all_ours "${PROGRAMS[@]}" containerd-shim-runc-v2)
  end "${pids[@]}"
  restore_host
  rm -rf "$LOGS.last"
  [[ ! -e $LOGS ]] || mv "$LOGS" "$LOGS.last"
}

status() {
  local name pid
  printf '%-26s %-8s %s\n' PROGRAM PID MEMORY
  for name in "${PROGRAMS[@]}"; do
    if pid=$(pid_of "$name"); then
      printf '%-26s %-8s %s\n' "$name" "$pid" "$(awk '/^VmRSS/ {printf "%d MB", $2 / 1024}' "/proc/$pid/status")"
    else
      printf '%-26s %-8s\n' "$name" -
    fi
  done
  printf '\nkubeconfig  %s\nlogs        %s\n\n' "$KUBECONFIG" "$LOGS"
  pid_of kube-apiserver >/dev/null || { echo "the cluster is down"; return 1; }
  kubectl get nodes
  kubectl get pods --all-namespaces
}

# shellcheck disable=SC2016  # the caller's shell expands $PATH
env() { printf 'export KUBECONFIG=%q\nexport PATH=%q:$PATH\n' "$KUBECONFIG" "$POOLKEEPER_CACHE/bin"; }

logs() {
  [[ -n ${1:-} ]] || { printf '%s\n' "${PROGRAMS[@]}"; return; }
  [[ -e $LOGS/$1.log ]] || fail "$LOGS/$1.log does not exist" "name one of: ${PROGRAMS[*]}"
  echo "$LOGS/$1.log" >&2
  tail -n "${LINES_SHOWN:-100}" "$LOGS/$1.log"
}

load_image() {
  local file reference present
  pid_of containerd >/dev/null || fail "the cluster is down" "hack/cluster/cluster up"
  present=$(ctr images ls -q)
  for file in "$@"; do
    reference=$(tar -xOf "$file" manifest.json | grep -oE '"RepoTags": *\["[^"]+' | grep -oE '[^"]+$')
    if grep -qxF "$reference" <<<"$present"; then continue; fi
    ctr images import "$file" >/dev/null
    say "$reference" loaded
  done
}
