# The image every Pod's sandbox runs: a static busybox that sleeps. Made by hand, so the cluster needs no image builder.
# shellcheck shell=bash

# make_pause FILE
make_pause() {
  local work layer
  work=$(mktemp -d)
  mkdir -p "$work/root/bin"
  cp "$(command -v busybox)" "$work/root/bin/busybox"
  tar -C "$work/root" --owner 0 --group 0 --mtime @0 -cf "$work/layer.tar" bin
  layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  cat >"$work/config.json" <<JSON
{"architecture": "$(dpkg --print-architecture)", "os": "linux",
 "config": {"Entrypoint": ["/bin/busybox", "sleep", "2147483647"], "User": "65535:65535"},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]}}
JSON
  echo '[{"Config": "config.json", "RepoTags": ["localhost/pause:1"], "Layers": ["layer.tar"]}]' >"$work/manifest.json"
  tar -C "$work" -cf "$1" manifest.json config.json layer.tar
  rm -rf "$work"
}
