"""A streamed answer through Poolkeeper with the ordinary openai SDK: only base_url changes.

python stream.py [BASE_URL] [QUESTION]
"""

import sys

from openai import OpenAI

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
question = sys.argv[2] if len(sys.argv) > 2 else "Say hello in five words."

# The pool holds the providers' keys. What the client sends here matters only when the pool's access mode is Keys.
client = OpenAI(base_url=base_url, api_key="unused", max_retries=0)

answer = client.chat.completions.with_raw_response.create(
    model="deepseek-flash", messages=[{"role": "user", "content": question}], stream=True
)
headers = answer.headers
if "x-poolkeeper-endpoint" in headers:
    print(f"[{headers['x-poolkeeper-endpoint']}, tier {headers['x-poolkeeper-tier']}]")
else:  # no endpoint could answer, and this is a fallback: docs/fallback.md
    print(f"[nobody: {headers['x-poolkeeper-fallback']}]")
for chunk in answer.parse():
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
print()
