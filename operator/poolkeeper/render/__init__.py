"""Pure: a plan becomes the Kubernetes objects that carry it out, one builder file a kind."""
