"""`make bench`: Poolkeeper beside bare nginx, a relay of Lua alone, Envoy and LiteLLM, in one run.

cases           what is requested of every gateway                                pure
provider        the provider behind them: nginx with ready answers
baselines       the gateways that are measured, each with one worker
load            wrk: as fast as the gateway goes, and at a fixed rate
first_content   time to first content
idle_streams    memory of streams that are open and silent
profile         where a gateway spends its time
process_usage   what the kernel knows of a process: CPU time and memory
rounds          what the rounds say: medians, ratios to bare nginx, goals         pure
page, chart     docs/bench.md and its picture                                     pure
"""
