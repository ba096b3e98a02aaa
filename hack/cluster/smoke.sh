#!/usr/bin/env bash
# Proves the test bed itself: Pods run, a Service spreads over them, names resolve, exec and logs work, from the host and
# from Pods. Leaves no namespace behind. Uses the sandbox image (a busybox), so nothing has to be built first.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/ci/lib.sh
source "$HERE/../ci/lib.sh"
eval "$("$HERE/cluster" env)"
NAMESPACE=smoke-$$
kubectl() { command kubectl --namespace "$NAMESPACE" "$@"; }
trap 'command kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null' EXIT

check() {
  local name=$1 since
  shift
  since=$(now_s)
  "$@" >/dev/null || fail "$name: not seen" "kubectl -n $NAMESPACE get events; hack/cluster/cluster logs kubelet"
  say "$name" ok "$(elapsed "$since")"
}
within_10s() {
  local deadline=$((SECONDS + 10))
  until "$@" 2>/dev/null; do
    ((SECONDS < deadline)) || { "$@" || return; }
    sleep 0.2
  done
}

command kubectl create namespace "$NAMESPACE" >/dev/null
command kubectl label namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=restricted >/dev/null
kubectl apply -f - >/dev/null <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 0
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: web
          image: localhost/pause:1
          command: [/bin/busybox, sh, -c, 'busybox hostname > /www/index.html && echo serving && exec busybox httpd -f -p 8080 -h /www']
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          readinessProbe: {httpGet: {path: /index.html, port: 8080}, periodSeconds: 1}
          volumeMounts: [{name: www, mountPath: /www}]
      volumes: [{name: www, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
YAML

in_pod() { kubectl exec deploy/web -- /bin/busybox sh -c "$1"; }
host_sees_both() {
  [[ $(for _ in {1..20}; do curl --silent --noproxy '*' --max-time 2 "http://$address/"; done | sort -u | wc -l) == 2 ]]
}
# (Without -T: Debian's static wget dies of its own time-out.)
pod_sees_both() {
  [[ $(in_pod "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do busybox wget -qO- http://web; done" | sort -u | wc -l) == 2 ]]
}
pod_reaches_api() { in_pod "busybox nc -w 2 10.96.0.1 443 </dev/null"; }
has_log() { [[ $(kubectl logs -l app=web) == *serving* ]]; }
check "Pods of a Deployment" kubectl rollout status deployment web --timeout=60s
address=$(kubectl get service web -o jsonpath='{.spec.clusterIP}')
check "Service from the host" within_10s host_sees_both
check "Service by name from a Pod" within_10s pod_sees_both
check "API server from a Pod" within_10s pod_reaches_api
check "logs" within_10s has_log
