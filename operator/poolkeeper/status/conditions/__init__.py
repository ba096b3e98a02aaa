"""One file a condition: a chain of checks, the first that has something to say is right."""
