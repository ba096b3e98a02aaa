"""The Kubernetes API as an adapter: reads, server-side applies, the Lease. The only importer of `kubernetes`."""
