#!/usr/bin/env bash
# Installs the operator by Helm into the current cluster, with the images built here.
#
#   release.sh NAMESPACE [--set KEY=VALUE ...]     extra arguments go to helm
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"

[[ $# -gt 0 ]] || fail "no namespace given" "hack/demo/release.sh poolkeeper-system"
namespace=$1
shift
"$HERE/../images/build.sh" operator router
operator=$("$HERE/../images/build.sh" --print operator)
router=$("$HERE/../images/build.sh" --print router)
# --take-ownership: the tests of the CRDs apply them without Helm, and both must live on one cluster.
exec helm upgrade --install poolkeeper "$REPO_ROOT/charts/poolkeeper" \
  --namespace "$namespace" --create-namespace --take-ownership --wait --timeout 3m \
  --set-string "image.repository=${operator%:*},image.tag=${operator##*:}" \
  --set-string "router.image.repository=${router%:*},router.image.tag=${router##*:}" "$@"
