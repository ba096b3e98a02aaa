"""One file per condition: a chain of checks. The first check with a finding decides."""
