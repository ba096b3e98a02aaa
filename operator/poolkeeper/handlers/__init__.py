"""The operator as a process: watches in, a queue, workers, health. The only importer of `kopf` (docs/adr/0004)."""
