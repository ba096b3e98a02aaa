"""The story of a failing provider and its rescue, told on this machine (`make try`) or on a cluster (`make up`)."""
