"""The contract: what users write (EndpointPool, FailoverPolicy), what routers read (RouterDoc), and the words all
of it uses."""
