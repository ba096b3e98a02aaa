"""One condition a file: its chain of checks, in the order in which they are asked."""
