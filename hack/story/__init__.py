"""`make try`: the story of a failing provider and its rescue, told by `poolkeeper run` on this machine."""
