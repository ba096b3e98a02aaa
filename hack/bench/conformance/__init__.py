"""`make conformance`: the cases of testing/conformance against Poolkeeper and others, and the scorecard of that run."""
