"""nginx as a plain streaming reverse proxy: `proxy_pass`, kept connections, no Lua. With several endpoints it
takes them in turn, and the next one where one fails before its answer has begun. `serving` runs any other block."""

import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testing.gateways.gateway import HOST, START_LIMIT_S, Pool, Running
from testing.process import accepts, free_port, pinned, running, worker_of

MODULE_FOLDERS = ("usr/lib/nginx/modules", "usr/lib/*/nginx/modules", "usr/share/nginx/modules", "etc/nginx/modules")
"""As router/entrypoint.sh looks for them."""
LUA_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
CONNECTIONS = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 65536)
"""As many as the router takes: nginx makes room for all at its start."""

MAIN = """daemon off;
pid nginx.pid;
worker_processes 1;
error_log stderr error;
{modules}events {{ worker_connections {connections}; }}
http {{
  access_log off;
  server_tokens off;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  client_body_temp_path tmp;
  proxy_temp_path tmp;
  fastcgi_temp_path tmp;
  uwsgi_temp_path tmp;
  scgi_temp_path tmp;
  client_body_buffer_size 64k;
  tcp_nodelay on;
{http}}}
"""

PROXY = """  upstream providers {{
{servers}
    keepalive 512;
    keepalive_requests 100000000;
  }}
  server {{
    listen {host}:{port} backlog=4096;
    location /v1/ {{
      proxy_connect_timeout {connect};
      proxy_pass http://providers{path}/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host api.example.com;
      proxy_set_header Authorization "Bearer {key}";
      proxy_buffering off;
      proxy_read_timeout {read};
      proxy_next_upstream error timeout http_429 http_500 http_502 http_503 http_504 non_idempotent;
      proxy_next_upstream_tries {tries};
    }}
  }}
"""


class Nginx:
    name = "bare nginx"

    def version(self) -> str:
        printed = subprocess.run([program(), "-v"], capture_output=True, text=True, check=True).stderr
        found = re.search(r"nginx/(\S+)", printed)
        return found[1] if found else printed.strip()

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        port = free_port()
        with serving(folder, proxy(pool, port), port, core) as pid:
            yield Running(f"http://{HOST}:{port}/v1", pid)


def proxy(pool: Pool, port: int) -> str:
    """The http block of the plain proxy. It knows two tiers: servers, and backups for when no server is left."""
    first, policy = pool.endpoints[0], pool.policy
    failed = f"max_fails={policy.consecutive_failures} fail_timeout={max(1, round(policy.recovery_timeout_ms / 1000))}s"
    servers = "\n".join(
        f"    server {HOST}:{one.port} {failed}{' backup' if one.tier > first.tier else ''};" for one in pool.endpoints
    )
    return PROXY.format(
        servers=servers,
        host=HOST,
        port=port,
        path=first.path,
        key=first.key,
        connect=f"{policy.connect_ms}ms",
        read=f"{policy.inter_token_ms}ms",
        tries=policy.max_attempts,
    )


@contextmanager
def serving(folder: Path, http: str, port: int, core: int | None, lua: bool = False) -> Iterator[int]:
    """An nginx of one worker with this http block; gives the worker's pid once the port accepts."""
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    modules = "".join(f"load_module {path};\n" for path in _lua_modules()) if lua else ""
    configuration.write_text(MAIN.format(modules=modules, connections=CONNECTIONS, http=http))
    command = [program(), "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    log = folder / "nginx.log"
    with running(pinned(command, core), {}, log, lambda: accepts(port), START_LIMIT_S) as process:
        yield worker_of(process.pid)


def program() -> str:
    return shutil.which("nginx") or "/usr/sbin/nginx"


def _lua_modules() -> list[Path]:
    """A module that is not found is built in, or nginx reports it."""
    found = [next((path for path in _places(name) if path.is_file()), None) for name in LUA_MODULES]
    return [path for path in found if path]


def _places(name: str) -> Iterator[Path]:
    for folder in MODULE_FOLDERS:
        yield from Path("/").glob(f"{folder}/{name}")
