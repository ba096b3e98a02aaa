"""`make mutants`: small faults put into a file one at a time; a fault that no test notices shows what tests miss.

Python is mutated by mutmut, in a copy of the checkout. The router's pure Lua by lua.py, since no kept tool does it.
"""
