"""A day of incidents in minutes, through Poolkeeper and through what people use instead: `make bench-incidents`.

day        what goes wrong when, and how a day's hours become seconds              pure
traffic    when requests come and how long their answers are, after a real trace   pure
providers  the scripted providers that play the day
baselines  the gateways that are compared, each with the same limits
caller     one client: a stream as an application reads it
figures    the results in numbers                                                  pure
columns    what the tables compare, and which way is better                        pure
page, plot docs/incidents.md and its picture                                       pure
"""
