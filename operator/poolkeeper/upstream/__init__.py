"""What the routers say of themselves, fetched over HTTP. The only importer of `httpx`."""
