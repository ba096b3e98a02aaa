# The cluster's programs: how each is called and how it is seen to be ready.
# shellcheck shell=bash

PROGRAMS=(containerd etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy coredns)

answers() { curl --silent --fail --insecure --noproxy '*' --max-time 2 "$1"; }
kubectl() { command kubectl --kubeconfig "$STATE/kubeconfig" --request-timeout=5s "$@"; }
ctr() { CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=true command ctr --address "$STATE/containerd.sock" --namespace k8s.io "$@"; }

start_containerd() { start containerd --config "$STATE/config/containerd.toml"; }
ready_containerd() { ctr version; }

# Nothing here must survive a power cut, so nothing waits for the disk.
start_etcd() {
  start etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster default=http://127.0.0.1:2380
}
ready_etcd() { answers http://127.0.0.1:2379/health; }

# Pods cannot reach a server bound to a loopback address, hence 0.0.0.0.
start_kube-apiserver() {
  start kube-apiserver --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address "$NODE_IP" \
    --service-cluster-ip-range 10.96.0.0/16 --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --allow-privileged --anonymous-auth=false \
    --client-ca-file "$PKI/ca.crt" --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" \
    --kubelet-client-certificate "$PKI/apiserver-kubelet-client.crt" \
    --kubelet-client-key "$PKI/apiserver-kubelet-client.key" \
    --kubelet-certificate-authority "$PKI/ca.crt" --kubelet-preferred-address-types InternalIP \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$PKI/service-accounts.pub" --service-account-signing-key-file "$PKI/service-accounts.key"
}
ready_kube-apiserver() { kubectl get --raw /readyz; }

# The usual limit of 20 requests a second is what its start would wait for.
start_kube-controller-manager() {
  start kube-controller-manager --kubeconfig "$PKI/kube-controller-manager.kubeconfig" --leader-elect=false \
    --bind-address 127.0.0.1 --use-service-account-credentials --root-ca-file "$PKI/ca.crt" \
    --flex-volume-plugin-dir "$STATE/volume-plugins" --kube-api-qps 300 --kube-api-burst 600 \
    --service-account-private-key-file "$PKI/service-accounts.key"
}
ready_kube-controller-manager() { answers https://127.0.0.1:10257/healthz && kubectl get serviceaccount default; }

start_kube-scheduler() {
  start kube-scheduler --kubeconfig "$PKI/kube-scheduler.kubeconfig" --leader-elect=false --bind-address 127.0.0.1
}
ready_kube-scheduler() { answers https://127.0.0.1:10259/readyz; }

start_kubelet() {
  start kubelet --config "$STATE/config/kubelet.yaml" --kubeconfig "$PKI/kubelet.kubeconfig" \
    --root-dir "$STATE/kubelet" --node-ip "$NODE_IP" --hostname-override "$NODE"
}
ready_kubelet() { answers http://127.0.0.1:10248/healthz && kubectl wait --for condition=Ready "node/$NODE" --timeout 2s; }

start_kube-proxy() { start kube-proxy --config "$STATE/config/kube-proxy.yaml"; }
ready_kube-proxy() { answers http://127.0.0.1:10256/healthz; }

start_coredns() { start coredns -conf "$STATE/config/Corefile"; }
ready_coredns() { answers http://127.0.0.1:8181/ready; }
