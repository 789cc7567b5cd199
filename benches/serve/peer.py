"""The peer of serve.py: a BERT classifier in ONNX Runtime behind uvicorn, with text-embeddings-inference's `/predict`.

    python peer.py FILE.onnx TOKENIZER PORT BATCH

Bare ASGI, httptools and uvloop. Whatever waits is computed together, up to BATCH sentences, padded to the longest; 1 computes each alone. One
thread computes.
"""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import uvicorn
from tokenizers import Tokenizer

LABELS = ("negative", "positive")


class App:
    def __init__(self, onnx, tokenizer, batch):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        self.names = [wanted.name for wanted in self.session.get_inputs()]
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(64)
        self.batch, self.waiting, self.came = batch, [], None
        self.thread = ThreadPoolExecutor(1)

    def compute(self, sentences):
        length = max(map(len, sentences))
        ids = np.zeros((len(sentences), length), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, sentence in enumerate(sentences):
            ids[row, : len(sentence)], mask[row, : len(sentence)] = sentence, 1
        values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        logits = self.session.run(None, {name: values[name] for name in self.names})[0]
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
    onnx, tokenizer, port, batch = sys.argv[1:]
    uvicorn.run(App(onnx, tokenizer, int(batch)), port=int(port), log_level="warning", access_log=False, loop="uvloop", http="httptools")
