"""The router's admin port, asked by the operator and by the command line: /state and /metrics."""
