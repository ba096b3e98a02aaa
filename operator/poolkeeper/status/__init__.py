"""Pure: what was declared, done and seen becomes a status, and what changed becomes Events."""
