"""Runs llama.cpp's OpenAI-compatible server: `python -m tests.e2e.llama_cpp.server KEY`."""

import signal
import sys
import tempfile
from pathlib import Path

import xllamacpp

from tests.e2e.llama_cpp.model import CONTEXT_TOKENS, write_model

MODEL = "chain"


def main(key: str) -> None:
    """Print the address, and serve until SIGTERM."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{MODEL}.gguf"
        write_model(path)
        server = xllamacpp.Server(_parameters(path, key))
        sys.stdout.write(f"{server.listening_address}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


def _parameters(path: Path, key: str) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {MODEL}
    parameters.api_keys = [key]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.n_gpu_layers = 0
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    parameters.use_jinja = True
    return parameters


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(sys.argv[1])
