#!/usr/bin/env bash
# Builds the images from the Dockerfiles beside this file and gives them to the cluster.
#
#   build.sh [NAME...]     builds what changed (operator router fake llama), loads what the cluster lacks
#   build.sh --print NAME  prints the reference to deploy
#
# A tag is the hash of everything that goes in, so that a changed image is another image: a Helm upgrade rolls, and
# imagePullPolicy IfNotPresent is right.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"
# shellcheck source=hack/images/settings.sh
source "$HERE/settings.sh"
# shellcheck source=hack/images/tool.sh
source "$HERE/tool.sh"

NAMES=(operator router fake llama)
# What each image is made of, beside its Dockerfile.
declare -A INPUTS=(
  [operator]="operator docs/runbooks router pyproject.toml requirements.in requirements.lock README.md LICENSE"
  [router]="router"
  [fake]="testing/fakes"
  [llama]="hack/images/llama.lock hack/images/model.lock hack/images/llama_server.py"
)
RELEASE=trixie
BASE=debian:$RELEASE-slim
IMAGES=$POOLKEEPER_CACHE/images
BASE_TAR=$IMAGES/debian-$RELEASE-slim.tar
KEPT=5 # builds of one image that stay in the cache

# context NAME: its inputs as a tar, the same bytes for the same contents in every checkout.
context() {
  # shellcheck disable=SC2086  # a list of words
  tar -C "$REPO_ROOT" --sort name --mtime @0 --owner 0 --group 0 --numeric-owner --mode u=rwX,go=rX --format ustar \
    --exclude __pycache__ --exclude '*.pyc' --exclude '*.egg-info' -c "hack/images/$1.Dockerfile" ${INPUTS[$1]}
}

reference() {
  local hash
  [[ -v INPUTS[$1] ]] || fail "there is no image '$1'" "name one of: ${NAMES[*]}"
  hash=$(context "$1" | sha256sum | cut -c1-12) || fail "an input of $1 is missing" "see INPUTS in hack/images/build.sh"
  echo "localhost/poolkeeper-$1:$hash"
}

archive_of() { local name=${1#localhost/}; echo "$IMAGES/${name/:/-}.tar"; }

# ensure_base: from the registry where one answers, else made from packages as the official image is: minbase, without
# documentation. It carries no package sources: a build brings this machine's.
ensure_base() {
  local log=$POOLKEEPER_CACHE/logs/image-base.log
  take_lock image-base
  tool_has "$BASE" && return
  mkdir -p "$IMAGES"
  if [[ ! -e $BASE_TAR ]] && timeout 60 "$TOOL" pull "$BASE" >"$log" 2>&1; then
    say "$BASE" pulled
    return
  fi
  if [[ ! -e $BASE_TAR ]]; then
    "$HERE/../ci/install.sh" images
    run_logged "$BASE" "$log" bootstrap_base
  fi
  tool_import "$BASE_TAR" "$BASE" >>"$log" 2>&1 || fail "$TOOL could not import $BASE_TAR" "read $log"
}

bootstrap_base() {
  local root=$IMAGES/.base main
  main=$(mirror '[a-z]+')
  [[ -n $main ]] || { echo "no registry answers, and this machine's apt names no Debian mirror"; return 1; }
  rm -rf --one-file-system "$root"
  debootstrap --variant=minbase --include=ca-certificates "$RELEASE" "$root" "$main" &&
    rm -rf "$root"/usr/share/{doc,man,info,locale,lintian}/* "$root"/var/{cache/apt,lib/apt/lists,log}/* &&
    : >"$root/etc/apt/sources.list" && rm -f "$root"/etc/{resolv.conf,hostname} &&
    tar -C "$root" --numeric-owner -cf "$BASE_TAR.new" . && mv "$BASE_TAR.new" "$BASE_TAR" &&
    rm -rf --one-file-system "$root"
}

# build_image NAME REFERENCE
build_image() {
  local name=$1 reference=$2 archive work old
  archive=$(archive_of "$reference")
  if [[ -e $archive ]]; then
    touch "$archive"
    say "$name" ready "$reference"
    return
  fi
  take_lock "image-$name"
  [[ ! -e $archive ]] || return 0 # made while we waited
  choose_tool
  (ensure_base)
  work=$IMAGES/.making-$name
  rm -rf "$work"
  mkdir -p "$work/context"
  context "$name" >"$work/context.tar"
  [[ $(sha256sum "$work/context.tar" | cut -c1-12) == "${reference##*:}" ]] ||
    fail "the inputs of $name changed while they were packed" "run this again"
  tar -C "$work/context" -xf "$work/context.tar"
  write_settings "$work/secrets" "$RELEASE"
  run_logged "$name" "$POOLKEEPER_CACHE/logs/image-$name.log" \
    tool_build "$reference" "$work/context/hack/images/$name.Dockerfile" "$work/context" "$work/secrets"
  rm -rf "$work/secrets"
  tool_save "$reference" "$work/image.tar" >>"$POOLKEEPER_CACHE/logs/image-$name.log" 2>&1 ||
    fail "$TOOL could not write the archive of $reference" "read $POOLKEEPER_CACHE/logs/image-$name.log"
  mv "$work/image.tar" "$archive"
  rm -rf "$work"
  # shellcheck disable=SC2012  # names of our own making, by age
  for old in $(ls -t "$IMAGES/poolkeeper-$name"-*.tar | tail -n "+$((KEPT + 1))"); do rm -f "$old"; done
}

if [[ ${1:-} == --print ]]; then
  reference "${2:-}"
  exit
fi
(($# > 0)) || set -- "${NAMES[@]}"
mkdir -p "$IMAGES"
archives=()
for name in "$@"; do
  reference=$(reference "$name")
  (build_image "$name" "$reference") # a shell of its own: the lock of one image is not held through the next
  archives+=("$(archive_of "$reference")")
done
cluster=$HERE/../cluster/cluster
if [[ $("$HERE/../cluster/ground.sh") != existing ]] && "$cluster" status >/dev/null 2>&1; then
  "$cluster" load-image "${archives[@]}"
else
  say images kept "in $IMAGES: no cluster that they could be loaded into is up"
fi
