#!/bin/sh
# Starts the router: in its container, and under `poolkeeper run`. Checks the environment, writes what nginx must know of
# this machine into the run folder, and becomes nginx. Everything below is the machine's or the deployment's business; what
# a pool is comes as router.json. SIGQUIT lets streams end (600 s at most; GET /drain first, so that callers know), SIGTERM ends at once.
set -eu
# The first process of a container gets no signal that it does not ask for: without this, what ends before nginx runs would
# not end at all, and its Pod would stay for its whole grace period.
trap 'exit 0' QUIT TERM

RUN_DIR=${POOLKEEPER_RUN_DIR:-/run/poolkeeper}
CONFIG_DIR=${POOLKEEPER_CONFIG_DIR:-/etc/poolkeeper/config}
CREDENTIALS_DIR=${POOLKEEPER_CREDENTIALS_DIR:-/etc/poolkeeper/credentials}
CLIENTS_DIR=${POOLKEEPER_CLIENTS_DIR:-/etc/poolkeeper/clients}
CA_DIR=${POOLKEEPER_CA_DIR:-/etc/poolkeeper/ca}
LISTEN=${POOLKEEPER_LISTEN:-0.0.0.0:8080}
ADMIN=${POOLKEEPER_ADMIN:-0.0.0.0:9180}
WORKERS=${POOLKEEPER_WORKERS:-1}
CACHE_BYTES=${POOLKEEPER_CACHE_BYTES:-67108864}
LOG_LEVEL=${POOLKEEPER_LOG_LEVEL:-warn}
REQUEST_LOG=${POOLKEEPER_REQUEST_LOG:-/dev/stdout}
RESOLV_CONF=${POOLKEEPER_RESOLV_CONF:-/etc/resolv.conf}
HOSTS=${POOLKEEPER_HOSTS:-/etc/hosts}
OS_RELEASE=${POOLKEEPER_OS_RELEASE:-/etc/os-release}
SYSTEM_CAS=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

HOME_DIR=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
TAB=$(printf '\t')

fail() {
  echo "router: $1" >&2
  exit 1
}

# is_address VALUE: IPv4:port, [IPv6]:port or *:port (all addresses of both families), and no other character
is_address() {
  case $1 in
    '*':[0-9]*) set -- "0.0.0.0${1#'*'}" ;;
  esac
  case $1 in
    *[!0-9.:a-fA-F[\]]* | *"$TAB"*) return 1 ;;
  esac
  printf '%s\n' "$1" | grep -Eqx '([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}'
}

is_address "$LISTEN" || fail "POOLKEEPER_LISTEN is '$LISTEN', wanted ADDRESS:PORT such as 0.0.0.0:8080"
is_address "$ADMIN" || fail "POOLKEEPER_ADMIN is '$ADMIN', wanted ADDRESS:PORT such as 0.0.0.0:9180"
case $WORKERS in
  '' | *[!0-9]* | 0* | ????*) fail "POOLKEEPER_WORKERS is '$WORKERS', wanted a number from 1 to 999" ;;
esac
case $CACHE_BYTES in
  '' | *[!0-9]* | ??????????????*) fail "POOLKEEPER_CACHE_BYTES is '$CACHE_BYTES', wanted a number of bytes" ;;
esac
case $LOG_LEVEL in
  notice | warn | error | crit) ;;
  *) fail "POOLKEEPER_LOG_LEVEL is '$LOG_LEVEL', wanted notice, warn, error or crit (nginx's info and debug quote API keys)" ;;
esac

case $REQUEST_LOG in
  /*[!A-Za-z0-9._/-]* | [!/]*) fail "POOLKEEPER_REQUEST_LOG is '$REQUEST_LOG', wanted the full path of a file" ;;
esac

mkdir -p "$RUN_DIR/tmp" || fail "the run folder $RUN_DIR cannot be made; set POOLKEEPER_RUN_DIR to a writable folder"
[ -w "$RUN_DIR" ] || fail "the run folder $RUN_DIR cannot be written to"
RUN_DIR=$(CDPATH='' cd -- "$RUN_DIR" && pwd)

# find_module NAME: the path of a dynamic module; distributions differ in where they put it
find_module() {
  for folder in /usr/lib/nginx/modules /usr/lib/*/nginx/modules /usr/share/nginx/modules /etc/nginx/modules; do
    if [ -f "$folder/$1" ]; then
      printf '%s\n' "$folder/$1"
      return
    fi
  done
}

# how_to_install: the command that installs nginx with Lua, and the Lua libraries, on this system
how_to_install() {
  case $(uname -s):$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' "$OS_RELEASE" 2>/dev/null | tr -d '"\n') in
    Darwin:*) echo "brew install openresty/brew/openresty" ;;
    *alpine*) echo "apk add nginx nginx-mod-http-lua lua5.1-cjson lua-resty-dns" ;;
    *debian* | *ubuntu*) echo "apt-get install nginx-light libnginx-mod-http-lua lua-cjson lua-nginx-dns" ;;
    *) echo "install OpenResty (https://openresty.org/en/linux-packages.html), or use a container of debian:trixie-slim" ;;
  esac
}

# OpenResty is nginx with Lua compiled in; elsewhere Lua is a module that is loaded.
NGINX=${POOLKEEPER_NGINX:-}
for candidate in nginx openresty /usr/sbin/nginx /usr/local/openresty/nginx/sbin/nginx; do
  [ -n "$NGINX" ] || NGINX=$(command -v "$candidate") || NGINX=
done
[ -x "$NGINX" ] || fail "nginx is not installed; wanted nginx with Lua. To do: $(how_to_install)"
LUA_MODULE=$(find_module ngx_http_lua_module.so)
NDK_MODULE=$(find_module ndk_http_module.so)
if "$NGINX" -V 2>&1 | grep -Eq -- '--add-module=[^ ]*(ngx_lua-|lua-nginx-module)'; then
  LUA_MODULE='' NDK_MODULE=''
elif [ -z "$LUA_MODULE" ]; then
  fail "$NGINX has no Lua module. To do: $(how_to_install)"
fi

# As many open files as we may have; each request in flight needs two.
# shellcheck disable=SC3045  # dash and busybox know ulimit -n
FILES=$(ulimit -Hn)
case $FILES in
  unlimited | ???????*) FILES=262144 ;;
esac
# shellcheck disable=SC3045
ulimit -n "$FILES" || FILES=$(ulimit -n)

# main.conf: modules, workers, log. Started by root (a laptop), workers stay root, to read key files of mode 0600.
{
  [ -z "$NDK_MODULE" ] || echo "load_module $NDK_MODULE;"
  [ -z "$LUA_MODULE" ] || echo "load_module $LUA_MODULE;"
  echo "worker_processes $WORKERS;"
  echo "error_log stderr $LOG_LEVEL;"
  echo "events { worker_connections $((FILES < 65536 ? FILES : 65536)); }"
  [ "$(id -u)" != 0 ] || echo "user root;"
} >"$RUN_DIR/main.conf"
# listening ADDRESS OPTIONS: the directives. A kernel without IPv6 has no such file, and nginx would not start.
listening() {
  case $1 in
    '*':*)
      echo "listen 0.0.0.0${1#'*'}$2;"
      [ ! -e /proc/net/if_inet6 ] || echo "listen [::]${1#'*'} ipv6only=on$2;"
      ;;
    *) echo "listen $1$2;" ;;
  esac
}
listening "$LISTEN" " backlog=4096" >"$RUN_DIR/client.conf"
listening "$ADMIN" "" >"$RUN_DIR/admin.conf"
# One line a request. Of several workers, whole lines of at most 4 KiB at a time: then they never mix, in a pipe neither.
# One worker alone writes more at once: each write costs as much as ten lines.
BUFFER=$([ "$WORKERS" = 1 ] && echo 32k || echo 4k)
echo "access_log $REQUEST_LOG requests buffer=$BUFFER flush=1s if=\$poolkeeper_line;" >"$RUN_DIR/log.conf"
# Cached answers: memory is taken as it is used, a whole page of it at least.
echo "lua_shared_dict poolkeeper_answers $((CACHE_BYTES > 65536 ? CACHE_BYTES : 65536));" >"$RUN_DIR/caches.conf"

# One bundle of all that is trusted: the system's authorities and the mounted ones.
BUNDLE=$RUN_DIR/trusted.pem
: >"$BUNDLE"
for file in "$SYSTEM_CAS" "$CA_DIR"/*; do
  [ ! -f "$file" ] || { cat "$file" && echo; } >>"$BUNDLE"
done
if grep -q 'BEGIN CERTIFICATE' "$BUNDLE"; then
  echo "lua_ssl_trusted_certificate trusted.pem;" >"$RUN_DIR/trust.conf"
else
  echo "router: no certificate authority is known; https endpoints will be refused" >&2
  : >"$RUN_DIR/trust.conf"
fi

ln -sfn "$HOME_DIR/nginx.conf" "$RUN_DIR/nginx.conf"
ln -sfn "$HOME_DIR/lua" "$RUN_DIR/lua"

export POOLKEEPER_RUN_DIR="$RUN_DIR" POOLKEEPER_CONFIG_DIR="$CONFIG_DIR" POOLKEEPER_CLIENTS_DIR="$CLIENTS_DIR"
export POOLKEEPER_CREDENTIALS_DIR="$CREDENTIALS_DIR" POOLKEEPER_RESOLV_CONF="$RESOLV_CONF" POOLKEEPER_HOSTS="$HOSTS"
exec "$NGINX" -p "$RUN_DIR" -c "$RUN_DIR/nginx.conf" -e stderr
