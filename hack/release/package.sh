#!/usr/bin/env bash
# `make package`: a release in dist/. Its variables, all optional, of the environment or of make:
#
#   REGISTRY=HOST/PATH    pushes images and chart there; chart and install.yaml then name the images by digest
#   URL=https://...       where the files can be downloaded: for Krew's manifest
#   SIGNING_KEY=FILE, or SIGNING_KEY_PEM in the environment: signs checksums and provenance, and what was pushed (sign.sh)
#   SOURCE=, BUILDER=     the repository's address and who builds, for provenance
#   OUT=FOLDER            another folder than dist
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"
cd "$REPO_ROOT"

out=${OUT:-dist}
options=(--url "${URL:-}")
[[ -z ${SOURCE:-} ]] || options+=(--source "$SOURCE")
[[ -z ${BUILDER:-} ]] || options+=(--builder "$BUILDER")
rm -rf "$out"
mkdir -p "$out"
command -v helm >/dev/null || [[ -x $POOLKEEPER_CACHE/bin/helm ]] || hack/cluster/build.sh helm
if [[ -n ${REGISTRY:-} ]]; then
  hack/release/push.sh images "$REGISTRY" "$out/images.txt"
  options+=(--images "$out/images.txt")
fi
.venv/bin/python -m hack.release "$out" "${options[@]}"
[[ -z ${REGISTRY:-} ]] || chart=$(hack/release/push.sh chart "$REGISTRY" "$out"/poolkeeper-*.tgz)
[[ -z ${SIGNING_KEY_PEM:-} ]] || SIGNING_KEY=-
if [[ -n ${SIGNING_KEY:-} ]]; then
  hack/release/sign.sh "$SIGNING_KEY" "$out"
  [[ -z ${REGISTRY:-} ]] || hack/release/sign.sh --pushed "$SIGNING_KEY" < <(cat "$out/images.txt" && echo "$chart")
fi
