// Only its CustomResourceDefinitions: the chart's monitors and rules are applied to a real API server with them.
// To move on: change the version, then `go mod download`.
module poolkeeper.dev/hack/cluster/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
