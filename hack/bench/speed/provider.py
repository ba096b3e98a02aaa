"""A provider that costs next to nothing: nginx, whole answers from its configuration, each event of a stream written on
its own. Its idle streams fall silent after the first content."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.bench.speed.cases import MODEL, TRACE_ANSWER_TOKENS, TRACE_PROMPT_TOKENS, answer, events, text_of
from testing.gateways.gateway import HOST
from testing.gateways.nginx import serving
from testing.process import free_port

SILENCE_S = 3600
PACE_MS, PACED_EVENTS = 100, 600
"""Of a stream as a model writes one, for a minute."""
MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "bench"}]})
"""What a gateway's health check may ask for."""
HTTP = """  lua_package_path "${{prefix}}?.lua;;";
  lua_max_pending_timers 65536;
  init_by_lua_block {{ EVENTS = require("cjson").decode(io.open("{events}"):read("*a")) }}
  server {{
    listen {host}:{port} backlog=4096;
    default_type application/json;
    location ~ /health$ {{ return 200; }}
    location ~ /models$ {{ return 200 '{models}'; }}
    location /tiny/ {{ return 200 '{tiny}'; }}
    location /real/ {{ return 200 '{real}'; }}
    location /stream/ {{
      content_by_lua_block {{
        ngx.req.read_body()
        ngx.header["Content-Type"] = "text/event-stream"
        for i = 1, #EVENTS do
          ngx.print(EVENTS[i])
          ngx.flush(true)
        end
      }}
    }}
    location /paced/ {{
      if ($request_method = GET) {{ return 200 '{{}}'; }}
      content_by_lua_block {{
        ngx.req.read_body()
        ngx.header["Content-Type"] = "text/event-stream"
        ngx.print(EVENTS[1])
        for i = 0, {paced_events} do
          ngx.print(EVENTS[2 + i % 32])
          ngx.flush(true)
          ngx.sleep({pace_s})
        end
      }}
    }}
    location /idle/ {{
      content_by_lua_block {{
        ngx.req.read_body()
        ngx.header["Content-Type"] = "text/event-stream"
        ngx.print(EVENTS[1], EVENTS[2])
        ngx.flush(true)
        ngx.sleep({silence_s})
      }}
    }}
  }}
"""


@contextmanager
def provider(folder: Path, core: int | None) -> Iterator[tuple[int, int]]:
    """Gives its port and its worker's pid."""
    folder.mkdir(parents=True)
    port = free_port()
    written = folder / "events.json"
    written.write_text(json.dumps(events()))
    tiny = answer(text_of(360), 20, 80)
    real = answer(text_of(TRACE_ANSWER_TOKENS * 4), TRACE_PROMPT_TOKENS, TRACE_ANSWER_TOKENS)
    http = HTTP.format(
        events=written, host=HOST, port=port, models=MODELS, tiny=tiny, real=real, silence_s=SILENCE_S,
        pace_s=PACE_MS / 1000, paced_events=PACED_EVENTS,
    )  # fmt: skip
    with serving(folder, http, port, core, lua=True) as pid:
        yield port, pid
