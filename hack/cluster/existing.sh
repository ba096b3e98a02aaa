# The cluster of $KUBECONFIG: somebody else's, so nothing is started, ended or loaded. Sourced by `cluster`.
# shellcheck shell=bash

up() {
  kubectl get --raw /readyz --request-timeout=10s >/dev/null || fail "the cluster of $KUBECONFIG does not answer" "check KUBECONFIG, or unset CLUSTER"
  say cluster ready "existing, $KUBECONFIG"
}
down() { say cluster left "existing clusters are not ours to end"; }
status() { kubectl get nodes -o wide; }
env() { printf 'export KUBECONFIG=%q\n' "$KUBECONFIG"; }
logs() { fail "the programs of an existing cluster keep their logs elsewhere"; }
load_image() { fail "images cannot be loaded into an existing cluster" "push them to a registry it can pull from"; }
