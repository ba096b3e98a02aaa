"""Gateways to compare Poolkeeper with, each configured for what we do as its own documentation advises.

`peer` says what they have in common; one module a gateway: what its configuration is (pure) and how it is started.
Programs that no Debian package brings lie in the cache outside the checkout, pinned.
"""
