"""What the entrypoint says where nginx, or Lua in it, is missing; that it takes an nginx with Lua compiled in; and that
it can be ended before nginx runs."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2] / "router"

DEBIAN, UBUNTU = 'ID=debian\nVERSION_ID="13"\n', "NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n"
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\n'
ALPINE, FEDORA = "ID=alpine\n", "ID=fedora\n"


def start(folder: Path, nginx: str, os_release: str = DEBIAN) -> subprocess.CompletedProcess[str]:
    (folder / "os-release").write_text(os_release)
    environment = {
        **os.environ,
        "POOLKEEPER_RUN_DIR": str(folder / "run"),
        "POOLKEEPER_NGINX": nginx,
        "POOLKEEPER_OS_RELEASE": str(folder / "os-release"),
    }
    return subprocess.run([HOME / "entrypoint.sh"], env=environment, capture_output=True, text=True, timeout=30)


def pretend(folder: Path, arguments: str) -> str:
    """An nginx that was built with these arguments, and shows its main.conf when it is started."""
    program = folder / "nginx"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = -V ]; then echo "configure arguments: {arguments}" >&2; else cat "$2/main.conf"; fi\n'
    )
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("os_release", "want"),
    [
        (DEBIAN, "apt-get install nginx-light libnginx-mod-http-lua lua-cjson lua-nginx-dns"),
        (UBUNTU, "apt-get install nginx-light"),
        (MINT, "apt-get install nginx-light"),
        (ALPINE, "apk add nginx nginx-mod-http-lua"),
        (FEDORA, "install OpenResty"),
        ("", "install OpenResty"),
    ],
)
def test_it_names_the_command_of_this_system(tmp_path: Path, os_release: str, want: str) -> None:
    done = start(tmp_path, "/nowhere/nginx", os_release)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("router: nginx is not installed; wanted nginx with Lua. To do: ")
    assert want in line


@pytest.mark.parametrize(
    "arguments",
    [
        "--prefix=/usr/local/openresty/nginx --add-module=../ngx_devel_kit-0.3.3 --add-module=../ngx_lua-0.10.28",
        "--add-module=/build/lua-nginx-module-0.10.28 --with-http_ssl_module",
    ],
)
def test_an_nginx_with_lua_inside_loads_no_module(tmp_path: Path, arguments: str) -> None:
    done = start(tmp_path, pretend(tmp_path, arguments))

    assert done.returncode == 0, done.stderr
    assert "load_module" not in done.stdout and "worker_processes" in done.stdout


def test_another_module_inside_does_not_count(tmp_path: Path) -> None:
    static_and_dynamic = "--add-module=/build/echo-nginx-module --add-dynamic-module=/build/ngx_lua-0.10.28"

    assert "ngx_http_lua_module.so" in start(tmp_path, pretend(tmp_path, static_and_dynamic)).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a container's first process")
@pytest.mark.parametrize("end", [signal.SIGQUIT, signal.SIGTERM])
def test_it_ends_as_the_first_process_of_a_container_too(tmp_path: Path, end: signal.Signals) -> None:
    """Which gets no signal that it does not ask for. A Pod that was deleted as it started stayed eleven minutes."""
    nginx, asked = tmp_path / "nginx", tmp_path / "asked"
    os.mkfifo(asked)
    nginx.write_text(f'#!/bin/sh\n[ "$1" = -V ] || exec sleep 600\necho >{asked}; sleep 1\n')
    nginx.chmod(0o755)
    environment = {**os.environ, "POOLKEEPER_RUN_DIR": str(tmp_path / "run"), "POOLKEEPER_NGINX": str(nginx)}

    as_first = ["unshare", "--pid", "--fork", "--kill-child", str(HOME / "entrypoint.sh")]
    # Who runs tests in the background may ignore SIGQUIT, and so would all that they start.
    started = subprocess.Popen(["env", "--default-signal=QUIT,TERM", *as_first], env=environment)
    try:
        asked.read_text()
        first = int(Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text())
        os.kill(first, end)

        assert started.wait(30) == 0
    finally:
        started.kill()
