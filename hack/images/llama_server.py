"""The sample pool's model server: llama.cpp's own HTTP server, from the wheel of xllamacpp. Runs until SIGTERM."""

import argparse
import os
import signal

import xllamacpp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--alias", required=True, help="the name that clients call it by")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--context", type=int, default=2048, help="tokens of one request, prompt and answer")
    parser.add_argument("--parallel", type=int, default=2, help="requests at the same time; the others wait")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # also while a model is being loaded, in C++

    params = xllamacpp.CommonParams()
    params.model.path = asked.model
    params.model_alias = {asked.alias}
    params.hostnames = [asked.host]
    params.port = asked.port
    params.n_ctx = asked.context * asked.parallel  # of all slots together
    params.n_parallel = asked.parallel
    # Two threads wait for each other by spinning: on a machine that has other work that takes seconds a token.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.ui = False
    server = xllamacpp.Server(params)
    print(f"{asked.alias} at {server.listening_address}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
