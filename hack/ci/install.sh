#!/usr/bin/env bash
# Installs the Debian packages a group of verbs needs: install.sh GROUP...   (router | test | browser | bench | cluster | images | release | gitops | all)
# Quick when all are there: it asks dpkg first and touches apt only for what is missing.
set -euo pipefail
# shellcheck source=hack/ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# router:  enough for `poolkeeper run`: nginx with Lua, and the two Lua libraries the router uses.
# test:    busted and luacheck, a shell linter, a load generator, the virtual environment's tools; prometheus for its
#          promtool, which proves the alerts; libfaketime, which sets
#          one process's clock.
# browser: opens the page, and takes its picture.
# bench:   where a gateway spends its time, and on which core.
# cluster: what hack/cluster runs beside its own binaries.
# images:  builds images where there is neither Docker nor a registry.
# gitops:  what Argo CD needs beside its own program.
# release: pushes images; a registry to try that with on this machine.
declare -A PACKAGES=(
  [router]="nginx-light libnginx-mod-http-lua lua-cjson lua-nginx-dns libbrotli1 ca-certificates openssl"
  [test]="lua-busted lua-check luajit2 shellcheck wrk curl jq python3-venv prometheus libfaketime"
  [cluster]="runc containernetworking-plugins iptables nftables conntrack iproute2 procps kmod busybox-static openssl curl
    ca-certificates python3-venv"
  [browser]="chromium pngquant"
  [bench]="linux-perf strace util-linux"
  [images]="buildah runc debootstrap busybox-static ca-certificates debian-archive-keyring"
  [gitops]="redis-server git"
  [release]="skopeo openssl docker-registry"
)
ORDER=(router test browser bench cluster images release gitops)

# missing PACKAGE...: those that are not installed, one a line.
missing() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
  done
}

# without_services COMMAND...: nginx's and Prometheus' packages would start servers; this machine's services are not ours.
without_services() {
  local policy=/usr/sbin/policy-rc.d made=
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made=yes
  fi
  local rc=0
  "$@" || rc=$?
  [[ -z $made ]] || rm -f "$policy"
  return $rc
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" >>"$LOG" 2>&1 </dev/null
}

# install_missing PACKAGE...: tried twice. Where apt is set to clean up after itself, another apt-get's
# clean-up can take the downloaded files from under this one.
install_missing() {
  local attempt
  for attempt in first second; do
    if apt update && without_services apt install --no-install-recommends "$@"; then return; fi
    say "apt-get, $attempt attempt" failed "$(grep -E '^(E|dpkg):' "$LOG" | tail -1)"
  done
  fail "apt-get did not install: $*" "read $LOG"
}

install_group() {
  local group=$1 wanted since
  [[ -v PACKAGES[$group] ]] || fail "there is no group '$group'" "name one of: ${ORDER[*]} all"
  # shellcheck disable=SC2086  # a list of words
  mapfile -t wanted < <(missing ${PACKAGES[$group]})
  if ((${#wanted[@]} == 0)); then
    say "packages: $group" ready
    return
  fi
  command -v apt-get >/dev/null || fail "$group needs: ${wanted[*]}" "install them; this script knows only apt-get"
  ((EUID == 0)) || fail "$group needs: ${wanted[*]}" "run as root: apt-get install ${wanted[*]}"
  since=$(now_s)
  say "packages: $group" missing "${wanted[*]}"
  install_missing "${wanted[@]}"
  say "packages: $group" installed "$(elapsed "$since")"
}

LOG=$POOLKEEPER_CACHE/logs/apt.log
mkdir -p "${LOG%/*}"
(($# > 0)) || fail "no group was named" "name some of: ${ORDER[*]} all"
[[ $1 != all ]] || set -- "${ORDER[@]}"
take_lock install
for group in "$@"; do install_group "$group"; done
