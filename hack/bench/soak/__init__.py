"""Is a good endpoint ever called bad? The real prober, hundreds of times, against a real model server on this machine.

model_server llama.cpp with the sample's model, installed once into the cache
probe_runs   the prober's runs, folded as the operator folds them
figures      what was measured, in a table
"""
