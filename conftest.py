"""What holds for every test: how Hypothesis plays.

A property has no deadline (a busy machine would miss it), and each run draws examples of its own, so that many runs
see more than one. `make check` plays the same few every time (--hypothesis-profile=check): it answers a question about
a change, and says the same when it is asked twice.
"""

from hypothesis import HealthCheck, settings

SLOW_MACHINE = (HealthCheck.too_slow,)

settings.register_profile("all", deadline=None, suppress_health_check=SLOW_MACHINE)
settings.register_profile("check", settings.get_profile("all"), derandomize=True, max_examples=25)
settings.load_profile("all")
