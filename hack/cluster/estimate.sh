# How long a build from nothing will take here: what each part costs in processor time, over this machine's cores, and
# corrected by what the parts built so far really took. Sourced by build.sh.
# shellcheck shell=bash

# Seconds of one core: wall time on two cores (hack/cluster/README.md), times two; of coredns a guess. What was built so far
# corrects them (learn). A part that is not listed counts as 150.
declare -A COST_S=([kubernetes]=830 [etcd]=48 [containerd]=136 [coredns]=100 [helm]=144 [argocd]=354 [kwok]=184)
DEFAULT_COST_S=150
PACE_PERCENT=100 # what the last part took, against what was expected

expected_s() { echo $((${COST_S[$1]:-$DEFAULT_COST_S} * PACE_PERCENT / 100 / CORES)); }

# announce PART...: one line before the first build.
announce() {
  local part total=0
  for part in "$@"; do total=$((total + $(expected_s "$part"))); done
  say "programs to build" "$#" "$*: about $(in_words "$total") on $CORES cores with nothing else to do; once, then kept in $POOLKEEPER_CACHE"
}

# learn PART SECONDS PART...: corrects the estimate by what PART took, and says what is left.
learn() {
  local part=$1 took=$2 expected left=0
  shift 2
  expected=$(expected_s "$part")
  ((expected == 0)) || PACE_PERCENT=$((PACE_PERCENT * (took > 0 ? took : 1) / expected))
  (($# > 0)) || return 0
  for part in "$@"; do left=$((left + $(expected_s "$part"))); done
  say "still to build" "$#" "$*: about $(in_words "$left") at this pace"
}

in_words() { if (($1 < 90)); then echo "$1 s"; else echo "$((($1 + 30) / 60)) minutes"; fi; }

CORES=$(nproc)
