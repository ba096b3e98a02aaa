#!/usr/bin/env bash
# Prints the Kubernetes that the cluster tests stand on here, the best there is:
#   existing       the cluster of $KUBECONFIG, because CLUSTER=existing says so. Never guessed: a KUBECONFIG that
#                  happens to be set may lead to production.
#   kind           a working Docker engine, and kind in PATH
#   built          the one hack/cluster builds and runs on this machine: root, namespaces, cgroups, overlayfs, Debian or
#                  the same programs installed
#   none:REASON    what is missing, in one line
# CLUSTER=kind and CLUSTER=built ask for that ground; its absence is then the reason.
set -euo pipefail

existing_lacks() {
  [[ -n ${KUBECONFIG:-} ]] || { echo "CLUSTER=existing needs KUBECONFIG"; return; }
  [[ -r ${KUBECONFIG%%:*} ]] || echo "KUBECONFIG names ${KUBECONFIG%%:*}, which cannot be read"
}

kind_lacks() {
  command -v docker >/dev/null || { echo "no docker"; return; }
  command -v kind >/dev/null || { echo "no kind in PATH"; return; }
  # The client alone is no engine.
  timeout 10 docker info >/dev/null 2>&1 || echo "docker has no engine that answers"
}

built_lacks() {
  [[ $(uname -s) == Linux ]] || { echo "not Linux"; return; }
  ((EUID == 0)) || { echo "not root"; return; }
  unshare --net --mount true 2>/dev/null || { echo "no network or mount namespaces"; return; }
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || { echo "no overlayfs"; return; }
  grep -qE '^[^ ]+ /sys/fs/cgroup' /proc/mounts || { echo "no cgroups mounted under /sys/fs/cgroup"; return; }
  local tool
  for tool in runc nft ip openssl; do
    command -v "$tool" >/dev/null || command -v apt-get >/dev/null || { echo "no $tool, and no apt-get to install it"; return; }
  done
}

# choose GROUND LACKS: ends with the answer if nothing lacks.
reasons=()
choose() {
  if [[ -z $2 ]]; then
    echo "$1"
    exit
  fi
  reasons+=("$1: $2")
}

case ${CLUSTER:-} in
  existing) choose existing "$(existing_lacks)" ;;
  kind) choose kind "$(kind_lacks)" ;;
  built) choose built "$(built_lacks)" ;;
  '')
    choose kind "$(kind_lacks)"
    choose built "$(built_lacks)"
    ;;
  *) reasons+=("CLUSTER=$CLUSTER is none of existing, kind, built") ;;
esac
printf 'none:%s' "${reasons[0]}"
((${#reasons[@]} == 1)) || printf '; %s' "${reasons[@]:1}"
echo
