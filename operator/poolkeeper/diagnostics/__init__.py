"""What people ask about a pool: gathered from a cluster or a run, put into words and tables."""
