"""The peers of serve.py: a BERT classifier in ONNX Runtime or OpenVINO behind uvicorn, with text-embeddings-inference's `/predict`.

    python peer.py FILE TOKENIZER PORT BATCH

FILE is an ONNX file, for ONNX Runtime, or an OpenVINO file (.xml).

Bare ASGI, httptools and uvloop. Whatever waits is computed together, up to BATCH sentences, padded to the longest; 1 computes each alone. One
thread computes.
"""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import uvicorn
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compare"))
from measure import OnnxSession, OpenVinoModel, padded

LABELS = ("negative", "positive")


class App:
    def __init__(self, model, tokenizer, batch):
        path = Path(model)
        self.model = OpenVinoModel(path, 1, "default") if path.suffix == ".xml" else OnnxSession(path, 1)
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(64)
        self.batch, self.waiting, self.came = batch, [], None
        self.thread = ThreadPoolExecutor(1)

    def compute(self, sentences):
        logits = self.model.logits(*padded(sentences))
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return (powers / powers.sum(1, keepdims=True)).tolist()

    async def work(self):
        loop = asyncio.get_running_loop()
        while True:
            while not self.waiting:
                self.came.clear()
                await self.came.wait()
            some, self.waiting = self.waiting[: self.batch], self.waiting[self.batch :]
            found = await loop.run_in_executor(self.thread, self.compute, [sentence for sentence, _ in some])
            for (_, answer), scores in zip(some, found):
                if not answer.cancelled():
                    answer.set_result(scores)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    self.came = asyncio.Event()
                    self.worker = asyncio.create_task(self.work())
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append((self.tokenizer.encode(json.loads(body)["inputs"]).ids, answer))
        self.came.set()
        scores = await answer
        told = json.dumps(sorted(({"label": l, "score": s} for l, s in zip(LABELS, scores)), key=lambda one: -one["score"])).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})


if __name__ == "__main__":
    model, tokenizer, port, batch = sys.argv[1:]
    uvicorn.run(App(model, tokenizer, int(batch)), port=int(port), log_level="warning", access_log=False, loop="uvloop", http="httptools")
