#!/usr/bin/env bash
# Signs a release with a key (ECDSA P-256, PEM). Checksums and provenance by openssl: FILE.sig beside each.
#
#   sign.sh KEY FOLDER              KEY is a file, or - for the variable SIGNING_KEY_PEM
#   sign.sh --check PUBLIC FOLDER
#   sign.sh --pushed KEY            signs what a registry has, by cosign: NAME REPOSITORY DIGEST on each line of standard input
#   openssl ecparam -genkey -name prime256v1 -noout -out KEY     makes a key
#
# The signatures are what cosign's sign-blob writes, so `cosign verify-blob --key PUBLIC --signature FILE.sig FILE` takes
# them, too (with --insecure-ignore-tlog: no public log was asked). `make e2e-release` does that with cosign itself.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"

SIGNED=(SHA256SUMS provenance.intoto.json)

# key_file KEY WORK: the file that the key is in.
key_file() {
  local key=$1
  if [[ $key == - ]]; then
    key=$2/key
    (umask 077 && printenv SIGNING_KEY_PEM >"$key")
  fi
  [[ -r $key ]] || fail "the key $key cannot be read" "openssl ecparam -genkey -name prime256v1 -noout -out $key"
  echo "$key"
}

sign() {
  local key=$1 folder=$2 file
  for file in "${SIGNED[@]}"; do
    openssl dgst -sha256 -sign "$key" "$folder/$file" | base64 -w0 >"$folder/$file.sig"
    say "$file" signed "$folder/$file.sig"
  done
  openssl pkey -in "$key" -pubout -out "$folder/release.pub"
}

# sign_pushed KEY WORK: by digest; nothing is sent to a public log. A registry on loopback is spoken to without TLS.
sign_pushed() {
  local key=$1 work=$2 name repository digest plain
  export COSIGN_PASSWORD='' # of the copy of the key that cosign wants, which lives as long as this script
  command -v cosign >/dev/null || { "$HERE/../cluster/build.sh" cosign && PATH=$POOLKEEPER_CACHE/bin:$PATH; }
  cosign import-key-pair --key "$key" --output-key-prefix "$work/cosign" >&2
  while read -r name repository digest; do
    plain=()
    [[ $repository != 127.* && $repository != localhost* ]] || plain=(--allow-http-registry)
    cosign sign --yes --key "$work/cosign.key" --tlog-upload=false --use-signing-config=false --new-bundle-format=false \
      "${plain[@]}" "$repository@$digest" >"$work/log" 2>&1 || fail "cosign did not sign $repository@$digest: $(tail -1 "$work/log")"
    say "$name" signed "$repository@$digest"
  done
}

check() {
  local public=$1 folder=$2 file
  for file in "${SIGNED[@]}"; do
    openssl dgst -sha256 -verify "$public" -signature <(base64 -d "$folder/$file.sig") "$folder/$file" >/dev/null ||
      fail "$folder/$file is not what was signed" "download it again; do not install it"
  done
  (cd "$folder" && sha256sum --check --quiet SHA256SUMS) || fail "a file is not what SHA256SUMS says" "download it again; do not install it"
  say "$folder" genuine "as signed with the key of $public"
}

if [[ ${1:-} == --check ]]; then
  [[ $# == 3 ]] || fail "seen $# words" "sign.sh --check PUBLIC FOLDER"
  check "$2" "$3"
  exit
fi
[[ $# == 2 ]] || fail "seen $# words" "sign.sh KEY FOLDER, or sign.sh --pushed KEY"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
if [[ $1 == --pushed ]]; then
  sign_pushed "$(key_file "$2" "$WORK")" "$WORK"
else
  sign "$(key_file "$1" "$WORK")" "$2"
fi
