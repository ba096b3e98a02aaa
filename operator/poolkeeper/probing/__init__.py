"""Pure: what a probe asks, and what its answers mean.

samples              the user's request bodies -> what is sent
stream               bytes of an answer, as they arrive -> an Exchange
phases               what is known of the way there (Reach) and of one request (Exchange)
evaluate             a Reach or an Exchange -> a ProbeReason, or none
sample_count         what a run has found -> which sample it asks next, or none
reason_effects       a reason -> how sure it is, and what it does to the traffic
window               some runs of one endpoint -> Healthy, Grey or Unhealthy
history              what is known of an endpoint, run after run
pricing, calendar    tokens and a time -> money
budget               what may still be spent today
schedule             a cron expression -> the next times
termination_message  a result -> at most 4 KiB
"""
