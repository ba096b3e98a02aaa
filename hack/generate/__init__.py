"""What is written from the models: the CRDs, their Helm templates, and the reference. `make generate` writes,
`make verify` compares."""
