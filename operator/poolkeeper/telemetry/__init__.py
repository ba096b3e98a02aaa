"""How the operator is watched: metrics and logs. The only importer of `prometheus_client`."""
