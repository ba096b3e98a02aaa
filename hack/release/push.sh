#!/usr/bin/env bash
# Pushes what lives in registries: the images, and the chart once it is packaged.
#
#   push.sh images REGISTRY FILE    builds and pushes the images; writes NAME REPOSITORY DIGEST into FILE, a line each
#   push.sh chart REGISTRY CHART    pushes a packaged chart to REGISTRY/charts; prints such a line
#
# A registry on a loopback address is spoken to without TLS. REGISTRY_USER and REGISTRY_PASSWORD log in; without them
# the logins of skopeo and helm are used.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"
IMAGES=$POOLKEEPER_CACHE/images

[[ $# == 3 ]] || fail "seen $# words, wanted 3" "push.sh images REGISTRY FILE, or push.sh chart REGISTRY CHART"
what=$1 registry=$2 file=$3
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$REPO_ROOT/operator/poolkeeper/__init__.py")
plain=()
[[ $registry != 127.* && $registry != localhost* ]] || plain=(--plain-http)

# push_archive ARCHIVE REFERENCE: prints the digest that the registry has it under.
push_archive() {
  local written=$IMAGES/.digest tls=()
  ((${#plain[@]} == 0)) || tls=(--dest-tls-verify=false)
  skopeo copy --quiet "${tls[@]}" --digestfile "$written" "docker-archive:$1" "docker://$2" >&2 && cat "$written" && rm "$written"
}

# login PROGRAM...: its words before the registry's host. The password is in no process list.
login() {
  [[ -z ${REGISTRY_USER:-} ]] || printenv REGISTRY_PASSWORD | "$@" --username "$REGISTRY_USER" --password-stdin "${registry%%/*}" >&2
}

case $what in
  images)
    "$HERE/../ci/install.sh" release
    "$HERE/../images/build.sh" operator router
    login skopeo login
    : >"$file.new"
    for name in operator router; do
      reference=$("$HERE/../images/build.sh" --print "$name")
      archive=$IMAGES/poolkeeper-$name-${reference##*:}.tar
      digest=$(push_archive "$archive" "$registry/poolkeeper-$name:$version")
      say "$registry/poolkeeper-$name:$version" pushed "$digest"
      echo "$name $registry/poolkeeper-$name $digest" >>"$file.new"
    done
    mv "$file.new" "$file"
    ;;
  chart)
    PATH=$POOLKEEPER_CACHE/bin:$PATH
    login helm registry login
    digest=$(helm push "${plain[@]}" "$file" "oci://$registry/charts" 2>&1 | tee /dev/stderr | sed -n 's/^Digest: //p')
    [[ $digest == sha256:* ]] || fail "helm named no digest of $file" "read what it said above"
    echo "chart $registry/charts/poolkeeper $digest"
    ;;
  *) fail "there is nothing called '$what' to push" "images, or chart" ;;
esac
