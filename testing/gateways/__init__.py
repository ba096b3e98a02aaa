"""Gateways that tests and benchmarks start: Poolkeeper's router, and the baselines it is compared with.

gateway       what all have in common: a pool (endpoints and a policy) goes in, a base URL comes out    pure
poolkeeper    the real router, with the document that the operator's own code plans
nginx         a plain streaming reverse proxy
envoy         an edge proxy with retries and outlier detection
litellm       LiteLLM's proxy
environments  pinned Python environments of what must not get into ours

Each module translates the same policy into its gateway's own settings, as that gateway's documentation advises. What a
gateway has no setting for stays at its default.
"""
