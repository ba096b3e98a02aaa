# The operator, the prober and the command line: one Python package in a virtual environment.
#
# The secrets are this machine's settings for apt and pip (build.sh makes them). They are optional, and in no layer.
FROM debian:trixie-slim AS build
RUN --mount=type=secret,id=apt.conf --mount=type=secret,id=sources.list --mount=type=secret,id=ca.crt \
    export APT_CONFIG=/run/secrets/apt.conf DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get install -qq --no-install-recommends python3-venv ca-certificates
RUN python3 -m venv /opt/poolkeeper
COPY requirements.lock /src/
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    export PIP_CONFIG_FILE=/run/secrets/pip.conf \
 && /opt/poolkeeper/bin/pip install -q --no-cache-dir --only-binary :all: --require-hashes -r /src/requirements.lock
COPY . /src/
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    export PIP_CONFIG_FILE=/run/secrets/pip.conf \
 && /opt/poolkeeper/bin/pip install -q --no-cache-dir --no-deps /src \
 && /opt/poolkeeper/bin/pip uninstall -q -y pip

FROM debian:trixie-slim
RUN --mount=type=secret,id=apt.conf --mount=type=secret,id=sources.list --mount=type=secret,id=ca.crt \
    export APT_CONFIG=/run/secrets/apt.conf DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get install -qq --no-install-recommends python3 ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc/*
COPY --from=build /opt/poolkeeper /opt/poolkeeper
USER 65532:65532
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/poolkeeper/bin:$PATH
ENTRYPOINT ["/opt/poolkeeper/bin/poolkeeper"]
