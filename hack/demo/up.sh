#!/usr/bin/env bash
# `make up`: everything from nothing on the first available cluster, then the story of a failure and its rescue on it.
# Where no Kubernetes is available it says why in one line, and plays the same story without one (`make try`).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"
cd "$REPO_ROOT"

step() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

ground=$(hack/cluster/ground.sh) || true
if [[ $ground == none:* ]]; then
  echo "No Kubernetes here: ${ground#none:}. The same story without one:"
  exec make --no-print-directory try
fi

step "Packages"
hack/ci/install.sh router cluster
step "Kubernetes ($ground), and the images beside it"
hack/images/build.sh &
images=$!
trap 'kill "$images" 2>/dev/null' EXIT
hack/cluster/cluster up
eval "$(hack/cluster/cluster env)"
wait "$images"
trap - EXIT
hack/images/build.sh # gives them to the cluster, if it was not up when they were ready
step "Operator, by Helm"
hack/demo/release.sh poolkeeper-system >/dev/null
kubectl -n poolkeeper-system get deployments
step "A sample pool: a scripted DeepSeek (tier 0) and a real model server (tier 1)"
hack/demo/demo.sh apply
step "The story"
PYTHONPATH=operator:. .venv/bin/python -m hack.demo.story --cluster
cat <<'TEXT'

It is all still there. In a shell with  eval "$(hack/cluster/cluster env)":
  kubectl -n poolkeeper-demo get epool -w
  kubectl -n poolkeeper-demo describe epool chat
  make down        ends the cluster and leaves nothing behind
TEXT
