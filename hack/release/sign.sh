#!/usr/bin/env bash
# Signs a release's checksums and its provenance with a key (ECDSA P-256, PEM), by openssl: FILE.sig beside each.
#
#   sign.sh KEY FOLDER              KEY is a file, or - for the variable SIGNING_KEY_PEM
#   sign.sh --check PUBLIC FOLDER
#   openssl ecparam -genkey -name prime256v1 -noout -out KEY     makes a key
#
# The signatures are what cosign's sign-blob writes, so `cosign verify-blob --key PUBLIC --signature FILE.sig FILE` takes
# them, too (with --insecure-ignore-tlog: no public log was asked).
set -euo pipefail
# shellcheck source=hack/ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../ci/lib.sh"

SIGNED=(SHA256SUMS provenance.intoto.json)

sign() {
  local key=$1 folder=$2 file
  if [[ $key == - ]]; then
    key=$(mktemp)
    # shellcheck disable=SC2064  # the name of now
    trap "rm -f '$key'" EXIT
    printenv SIGNING_KEY_PEM >"$key"
  fi
  [[ -r $key ]] || fail "the key $key cannot be read" "openssl ecparam -genkey -name prime256v1 -noout -out $key"
  for file in "${SIGNED[@]}"; do
    openssl dgst -sha256 -sign "$key" "$folder/$file" | base64 -w0 >"$folder/$file.sig"
    say "$file" signed "$folder/$file.sig"
  done
  openssl pkey -in "$key" -pubout -out "$folder/release.pub"
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
else
  [[ $# == 2 ]] || fail "seen $# words" "sign.sh KEY FOLDER"
  sign "$1" "$2"
fi
