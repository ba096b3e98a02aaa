//go:build tools

// Package tools keeps the command that build.sh compiles in this module's graph.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
