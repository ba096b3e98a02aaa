"""What a prober has seen, by the names that the router's Lua has for it (core/answer/chunk.lua)."""

from poolkeeper.probing.phases import Ending, Exchange


def kind(seen: Exchange) -> str:
    """What the one event meant that came, when nothing was waited for after it."""
    if seen.is_invalid:
        return "invalid"
    if seen.refused:
        return "error"
    if seen.ending is Ending.CUT:
        return "cut"
    if seen.finish is not None:
        return "finish"
    if seen.ending is Ending.COMPLETE:
        return "done"
    return "content" if seen.pieces else "usage" if seen.usage else "noise"
