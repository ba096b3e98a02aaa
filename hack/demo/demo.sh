#!/usr/bin/env bash
# The sample pool of examples/demo in the current cluster, with the images built here.
#
#   demo.sh apply [NAMESPACE]     (default poolkeeper-demo)
#   demo.sh delete [NAMESPACE]
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"

verb=${1:-} namespace=${2:-poolkeeper-demo}
case $verb in
apply)
  "$HERE/../images/build.sh" fake llama
  overlay=$(mktemp -d)
  trap 'rm -rf "$overlay"' EXIT
  cp -r "$REPO_ROOT/examples/demo" "$overlay/demo"
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: %s\nresources: [demo]\nimages:\n' "$namespace"
    for part in fake llama; do
      reference=$("$HERE/../images/build.sh" --print "$part")
      printf -- '- {name: localhost/poolkeeper-%s, newName: %s, newTag: %s}\n' "$part" "${reference%:*}" "${reference##*:}"
    done
  } >"$overlay/kustomization.yaml"
  kubectl apply -k "$overlay"
  kubectl -n "$namespace" wait deployment official local --for=condition=Available --timeout=180s
  ;;
delete) kubectl delete namespace "$namespace" --ignore-not-found ;;
*) fail "seen '${verb}', wanted apply or delete" "hack/demo/demo.sh apply [NAMESPACE]" ;;
esac
