"""`make bench-scale`: one operator, 10, 100, 1,000 pools of four endpoints and two routers; writes docs/scale.md.

__main__   makes the pools and measures
measure    what is measured at one size
page       the page and its plot
"""
