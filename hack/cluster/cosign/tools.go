//go:build tools

// Package tools keeps the command that build.sh compiles in this module's graph.
package tools

import _ "github.com/sigstore/cosign/v3/cmd/cosign"
