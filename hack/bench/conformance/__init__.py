"""`make conformance`: the suite of tests/conformance against Poolkeeper and others, and the scorecard of that run."""
