#!/usr/bin/env bash
# A streamed answer through Poolkeeper with curl.   stream.sh [BASE_URL] [QUESTION]
set -euo pipefail
base_url=${1:-http://127.0.0.1:8080/v1}
question=${2:-Say hello in five words.}

curl --fail-with-body -sS -N -D /dev/stderr "$base_url/chat/completions" \
  -H 'content-type: application/json' \
  -d "{\"model\": \"deepseek-flash\", \"stream\": true, \"messages\": [{\"role\": \"user\", \"content\": \"$question\"}]}"
