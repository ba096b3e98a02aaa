# The router: Debian's nginx with its Lua module, and the sources under router/. Only /run/poolkeeper is written to.
#
# The secrets are this machine's settings for apt (build.sh makes them). They are optional, and in no layer.
FROM debian:trixie-slim
RUN --mount=type=secret,id=apt.conf --mount=type=secret,id=sources.list --mount=type=secret,id=ca.crt \
    export APT_CONFIG=/run/secrets/apt.conf DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get install -qq --no-install-recommends nginx-light libnginx-mod-http-lua lua-cjson lua-nginx-dns libbrotli1 ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc/* /var/www /etc/nginx/sites-* \
 && mkdir -p /run/poolkeeper && chown 65532:65532 /run/poolkeeper
COPY router /opt/poolkeeper/router
USER 65532:65532
VOLUME /run/poolkeeper
# nginx's graceful end: streams run out, new connections are refused.
STOPSIGNAL SIGQUIT
EXPOSE 8080 9180
ENTRYPOINT ["/opt/poolkeeper/router/entrypoint.sh"]
