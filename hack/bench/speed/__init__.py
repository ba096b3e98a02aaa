"""`make bench`: Poolkeeper beside bare nginx, a relay of Lua alone, Envoy and LiteLLM, in one run.

cases     what is asked            backend   the provider that answers
targets   who is measured          load      wrk: as fast as it goes, and at a fixed rate
probe     time to first content    idle      memory of streams that are silent
profile   where ours spends it     figures   medians and ratios (pure)
page      docs/bench.md (pure)     process   what the kernel knows of a process
"""
