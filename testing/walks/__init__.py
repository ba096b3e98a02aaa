"""Pools and policies that are changed in every way their schema knows, one change after the other.

moves   from one spec to the next: each field set, changed, removed, to its bounds and beyond
walker  takes the moves through the operator's own reconcile, without its watches, and looks at what is there
"""
