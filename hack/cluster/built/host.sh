# What the cluster changes on this machine, and how that is taken back.
# shellcheck shell=bash

# The kubelet and the proxy set some of these on their own.
SYSCTLS=(net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables
  net.ipv4.conf.all.route_localnet net.netfilter.nf_conntrack_tcp_be_liberal
  vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes)
NFT_TABLES=("ip kube-proxy" "ip6 kube-proxy" "ip poolkeeper-cluster")
BRIDGE=cni0

# prepare_host: forwarding, the bridge the Pods hang on, and address translation for what they send elsewhere.
# (One table of ours rather than the CNI plugin's rules a Pod: nothing to collect when Pods die with the node.)
prepare_host() {
  if [[ ! -e $STATE/sysctl ]]; then
    sysctl --ignore "${SYSCTLS[@]}" >"$STATE/sysctl.new" 2>/dev/null || true
    mv "$STATE/sysctl.new" "$STATE/sysctl"
  fi
  modprobe --quiet br_netfilter || true # built in, or a module
  [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
    fail "the kernel has no br_netfilter: a Pod could not reach a Pod through a Service" "load the module, or set CLUSTER to another ground"
  sysctl --quiet --write net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip address replace "$NODE_IP/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  nft -f - <<'NFT'
table ip poolkeeper-cluster
delete table ip poolkeeper-cluster
table ip poolkeeper-cluster {
  chain out {
    type nat hook postrouting priority srcnat
    ip saddr 10.244.0.0/24 ip daddr != { 10.244.0.0/24, 10.96.0.0/16 } oifname != "cni0" masquerade
  }
}
NFT
  local controller
  for controller in $(cgroup_roots); do mkdir -p "$controller/$CGROUP"; done
  if [[ -e /sys/fs/cgroup/cgroup.subtree_control ]]; then
    echo "+cpu +cpuset +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
  fi
}

# cgroup_roots: where cgroups are mounted, one folder (v2) or one a controller (v1).
cgroup_roots() { awk '($3 == "cgroup" || $3 == "cgroup2") && $2 ~ "^/sys/fs/cgroup" {print $2}' /proc/mounts; }

# container_processes: whatever runs in a cgroup of ours, also when its shim and the runtime are gone.
container_processes() {
  local root
  for root in $(cgroup_roots); do
    [[ ! -d $root/$CGROUP ]] || find "$root/$CGROUP" -name cgroup.procs -exec cat {} +
  done 2>/dev/null | sort -un
}

mounts_under() {
  awk -v folder="$1/" 'index($5, folder) == 1 {print $5}' /proc/self/mountinfo | sort -r
}

# restore_host: processes are gone by now. Every step also works on half of what prepare_host did, or none.
restore_host() {
  local point root table link
  # Twice: a mount can hide another one at the same place.
  for point in $(mounts_under "$STATE") $(mounts_under "$STATE"); do
    umount --lazy "$point" 2>/dev/null || true
  done
  for root in $(cgroup_roots); do
    [[ ! -d $root/$CGROUP ]] || find "$root/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  for link in $(ip -o link show type veth 2>/dev/null | grep -w "master $BRIDGE" | awk -F'[ @:]+' '{print $2}'); do
    ip link delete "$link" 2>/dev/null || true # its network namespace may have taken it along
  done
  ip link delete "$BRIDGE" 2>/dev/null || true
  for table in "${NFT_TABLES[@]}"; do
    # shellcheck disable=SC2086  # family and name
    nft delete table $table 2>/dev/null || true
  done
  remove_strays
  # After a reboot the kernel has its own values again.
  if [[ -e $STATE/sysctl && $(cat "$STATE/boot" 2>/dev/null) == "$(this_boot)" ]]; then
    sysctl --quiet --load "$STATE/sysctl" 2>/dev/null || true
  fi
  point=$(mounts_under "$STATE")
  [[ -z $point ]] || fail "still mounted: ${point//$'\n'/ }" "umount them; then run this again"
  rm -rf --one-file-system "$STATE"
}

# remove_strays: what the programs leave in places that no setting moves. A folder goes only when it is empty.
remove_strays() {
  local link socket
  for link in /var/log/containers/*; do
    [[ $(readlink "$link" 2>/dev/null) != "$STATE/"* ]] || rm -f "$link"
  done
  grep -slF "$STATE/" /var/lib/cni/results/* | xargs -r rm -f || true
  # Shims name their sockets by a hash: those that nobody listens on are dead.
  for socket in /run/containerd/s/*; do
    [[ ! -S $socket || -n $(ss -Hlx src "$socket") ]] || rm -f "$socket"
  done
  rm -f /var/lib/kubelet/device-plugins/kubelet.sock /var/lib/kubelet/device-plugins/DEPRECATION
  rmdir -p --ignore-fail-on-non-empty /var/log/containers /var/lib/cni/results /run/containerd/s \
    /var/lib/kubelet/device-plugins 2>/dev/null || true
}
