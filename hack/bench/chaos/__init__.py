"""`make chaos`: the operator under every fault there is, on a real control plane; writes docs/chaos.md.

__main__   plays all cases, and the outage
record     what was played, so that a later run goes on
outage     the control plane gone for minutes, under load
page       the page, from what was counted
"""
