"""A day of incidents in minutes, through Poolkeeper and through what people use instead: `make bench-incidents`.

day       what goes wrong when, and how a day's hours become seconds              pure
traffic   when requests come and how long their answers are, after a real trace   pure
cast      the providers that play the day
rows      the gateways that are compared, each told the same limits
caller    one client: a stream as an application reads it
figures   what came of it, in numbers                                             pure
page      the table and the plot
"""
