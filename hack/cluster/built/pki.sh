# The cluster's certificates and the kubeconfigs made of them. Elliptic curves: a dozen keys in a fraction of a second.
# shellcheck shell=bash

# What RFC 5280 asks of a certificate beyond a name: newer clients (Python 3.13's default) insist on it.
LEAF=$'basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid'

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# certificate NAME SUBJECT USAGE [SAN]: $PKI/NAME.crt and .key, signed by the cluster's CA.
certificate() {
  local name=$1 subject=$2 usage=$3 san=${4:-}
  new_key "$PKI/$name.key"
  openssl req -new -key "$PKI/$name.key" -subj "$subject" |
    openssl x509 -req -days 365 -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -CAcreateserial -out "$PKI/$name.crt" \
      -extfile <(printf '%s\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\n%s' "$LEAF" "$usage" "${san:+subjectAltName=$san}") 2>/dev/null
}

encoded() { base64 -w0 "$PKI/$1"; }

# kubeconfig NAME FILE
kubeconfig() {
  cat >"$2" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: poolkeeper, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(encoded ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(encoded "$1.crt"), client-key-data: $(encoded "$1.key")}}]
contexts: [{name: poolkeeper, context: {cluster: poolkeeper, user: $1}}]
current-context: poolkeeper
YAML
}

make_pki() {
  mkdir -p "$PKI"
  new_key "$PKI/ca.key"
  openssl req -x509 -new -key "$PKI/ca.key" -subj /CN=poolkeeper-test-bed -days 365 \
    -addext keyUsage=critical,keyCertSign,cRLSign -out "$PKI/ca.crt"
  local names=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
  certificate apiserver /CN=kube-apiserver serverAuth "$names,IP:127.0.0.1,IP:$NODE_IP,IP:10.96.0.1"
  certificate apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  certificate admin /O=system:masters/CN=admin clientAuth
  certificate kube-controller-manager /CN=system:kube-controller-manager clientAuth
  certificate kube-scheduler /CN=system:kube-scheduler clientAuth
  certificate kube-proxy /CN=system:kube-proxy clientAuth
  certificate kubelet "/O=system:nodes/CN=system:node:$NODE" clientAuth,serverAuth "DNS:$NODE,IP:$NODE_IP"
  certificate coredns /O=system:masters/CN=coredns clientAuth
  new_key "$PKI/service-accounts.key"
  openssl ec -in "$PKI/service-accounts.key" -pubout -out "$PKI/service-accounts.pub" 2>/dev/null
  local name
  for name in kube-controller-manager kube-scheduler kube-proxy kubelet coredns; do
    kubeconfig "$name" "$PKI/$name.kubeconfig"
  done
  kubeconfig admin "$STATE/kubeconfig"
}
