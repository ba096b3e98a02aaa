# A cluster of kind, for machines with a Docker engine. Sourced by `cluster`.
# shellcheck shell=bash

KIND_NAME=poolkeeper
KUBECONFIG=$POOLKEEPER_CACHE/kind/kubeconfig
export KUBECONFIG

up() {
  take_lock cluster
  mkdir -p "${KUBECONFIG%/*}"
  if [[ " $(kind get clusters 2>/dev/null | xargs) " == *" $KIND_NAME "* ]]; then
    kind export kubeconfig --name "$KIND_NAME" --kubeconfig "$KUBECONFIG" >/dev/null 2>&1
  else
    kind create cluster --name "$KIND_NAME" --kubeconfig "$KUBECONFIG" --wait 180s >&2
  fi
  say cluster ready "kind, $KUBECONFIG"
}
down() {
  take_lock cluster
  kind delete cluster --name "$KIND_NAME" --kubeconfig "$KUBECONFIG" >&2
}
status() { kubectl get nodes -o wide; }
# shellcheck disable=SC2016  # the caller's shell expands $PATH
env() { printf 'export KUBECONFIG=%q\nexport PATH=%q:$PATH\n' "$KUBECONFIG" "$POOLKEEPER_CACHE/bin"; }
logs() { kind export logs --name "$KIND_NAME" "$POOLKEEPER_CACHE/kind/logs"; }
load_image() {
  local file
  for file in "$@"; do kind load image-archive "$file" --name "$KIND_NAME"; done
}
