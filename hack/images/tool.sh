# One set of verbs for whatever builds images here: docker or podman with an engine that answers, else buildah, which
# needs none. Sourced by build.sh.
# shellcheck shell=bash

choose_tool() {
  TOOL=buildah
  if command -v podman >/dev/null; then TOOL=podman; fi
  if command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1; then TOOL=docker; fi
  [[ $TOOL != buildah ]] || "$HERE/../ci/install.sh" images
}

buildah() { command buildah --root "$IMAGES/storage" --runroot "$IMAGES/run" --storage-driver overlay "$@"; }

tool_has() {
  if [[ $TOOL == buildah ]]; then buildah inspect --type image "$1" >/dev/null 2>&1; else "$TOOL" image inspect "$1" >/dev/null 2>&1; fi
}

# tool_build REFERENCE DOCKERFILE CONTEXT SECRETS
tool_build() {
  local secret options=()
  for secret in "$4"/*; do options+=(--secret "id=${secret##*/},src=$secret"); done
  case $TOOL in
    buildah) options+=(--isolation chroot --pull-never --layers) ;;
    podman) options+=(--pull=missing) ;;
    docker) export DOCKER_BUILDKIT=1 ;;
  esac
  if [[ $TOOL == buildah ]]; then set -- "$1" "$2" "$3" bud; else set -- "$1" "$2" "$3" build; fi
  "$TOOL" "$4" --network host "${options[@]}" --tag "$1" --file "$2" "$3"
}

# tool_save REFERENCE FILE
tool_save() {
  rm -f "$2" # a docker-archive is not overwritten
  case $TOOL in
    buildah) buildah push --quiet "$1" "docker-archive:$2:$1" ;;
    podman) podman save --format docker-archive --output "$2" "$1" ;;
    docker) docker save --output "$2" "$1" ;;
  esac
}

# tool_import TAR REFERENCE: a root file system becomes an image.
tool_import() {
  local container
  if [[ $TOOL != buildah ]]; then
    "$TOOL" import "$1" "$2"
    return
  fi
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$1" / &&
    buildah config --cmd bash "$container" &&
    buildah commit --quiet --rm "$container" "$2"
}
