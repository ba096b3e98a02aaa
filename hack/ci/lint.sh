#!/usr/bin/env bash
# All static checks, each named as it runs; stops at the first that fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH="$PWD/.venv/bin:$PATH"

step() {
  printf '  %-14s' "$1"
  shift
  local out
  if out=$("$@" 2>&1); then echo ok; else
    echo FAILED
    printf '%s\n' "$out"
    exit 1
  fi
}

mapfile -t scripts < <(git ls-files -co --exclude-standard | while read -r file; do
  [[ -f $file ]] && head -c 64 "$file" | head -n 1 | grep -qE '^#!.*\b(ba)?sh\b' && echo "$file"
done || true)

step "ruff" ruff check conftest.py operator tests testing hack
step "ruff format" ruff format --check conftest.py operator tests testing hack
step "mypy" mypy
step "import layers" lint-imports --no-cache
step "luacheck" luacheck -q router tests/lua
step "shellcheck" shellcheck -x "${scripts[@]}"
step "prose" python -m hack.ci.prose
