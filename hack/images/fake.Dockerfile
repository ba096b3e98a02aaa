# The scripted DeepSeek of testing/fakes, pure standard library.
#
# The secrets are this machine's settings for apt (build.sh makes them). They are optional, and in no layer.
FROM debian:trixie-slim
RUN --mount=type=secret,id=apt.conf --mount=type=secret,id=sources.list --mount=type=secret,id=ca.crt \
    export APT_CONFIG=/run/secrets/apt.conf DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get install -qq --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc/*
COPY testing/fakes /opt/fakes/testing/fakes
USER 65532:65532
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/fakes
EXPOSE 8000 8001
ENTRYPOINT ["python3", "-m", "testing.fakes.deepseek"]
CMD ["--listen", "0.0.0.0:8000", "--control", "0.0.0.0:8001"]
