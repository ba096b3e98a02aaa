"""What routers say of themselves, and how endpoints answer a probe. The only importer of `httpx`."""
