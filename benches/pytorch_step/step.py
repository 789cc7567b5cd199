"""One SST-2 distillation step in PyTorch, timed: the yardstick of the Rust bench `distil_step`.

A step is: pad a batch, teacher forward without gradient, student forward and backward, gradient clipped at norm 1, AdamW
update. The student is a post-norm BERT whose populations are signed neurons at T = 16 levels with learnable thresholds, its
encoder weights ternary with one scale a matrix; loss = hidden MSE + 0.1 * attention-score MSE + soft cross-entropy. README.md
says what was done to make it fast.

    python step.py --teacher DIR --batches FILE [--steps 30] [--threads 2] [--words dense|lazy]
                   [--matmul default|onednn] [--compile] [--json OUT]
    python step.py --selftest

FILE holds `{"batches": [{"ids": [[...], ...]}, ...]}`, token ids without padding. Step i uses batch i modulo their number; the
first five steps warm up.
"""

import argparse
import dataclasses
import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

WARM_UP = 5
LEARNING_RATE, THRESHOLD_FACTOR, WEIGHT_DECAY, CLIP = 3e-4, 10.0, 0.01, 1.0
BETAS, EPSILON = (0.9, 0.999), 1e-8
THRESHOLDS = {"embedding": 2.0, "key": 2.0, "value": 1.0, "context": 1.0, "attention": 2.0, "feed_forward": 2.0, "output": 2.0}
POPULATIONS = ("key", "value", "context", "attention", "feed_forward", "output")
# Student's name of each affine map -> path in the checkpoint.
MAPS = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "attention_output": "attention.output.dense", "intermediate": "intermediate.dense", "output": "output.dense"}


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of the teacher, which are the student's too, and the student's precision."""

    layers: int
    heads: int
    epsilon: float
    bits: str = "1.58"
    per_row: bool = False
    signed: bool = True
    time_steps: int = 16
    thresholds: tuple = tuple(THRESHOLDS.items())
    linear: Callable = F.linear

    @staticmethod
    def read(folder: Path) -> "Config":
        with open(folder / "config.json", encoding="utf-8") as file:
            found = json.load(file)
        return Config(found["num_hidden_layers"], found["num_attention_heads"], found["layer_norm_eps"])

    def with_student(self, bits: str, per_row: bool, signed: bool, time_steps: int, thresholds: dict) -> "Config":
        return dataclasses.replace(self, bits=bits, per_row=per_row, signed=signed, time_steps=time_steps,
                                   thresholds=tuple(thresholds.items()))


class Fire(torch.autograd.Function):
    """y = theta * n/T, n = clip(floor(I*T/theta + 1/2), low*T, T); straight-through gradient (clip edges are inside).

    One autograd node instead of a chain of eight: the forward pass works in place, the backward pass needs I and y alone.
    """

    @staticmethod
    def forward(ctx, current, theta, time_steps, low):
        amplitude = theta.item()
        y = current * (time_steps / amplitude)
        y.add_(0.5).floor_().clamp_(low * time_steps, time_steps).mul_(amplitude / time_steps)
        ctx.save_for_backward(current, y)
        ctx.amplitude, ctx.low = amplitude, low
        return y

    @staticmethod
    def backward(ctx, grad):
        current, y = ctx.saved_tensors
        # hardtanh's backward is one fused pass but leaves its edges out: move them by a unit or two in the last place. The
        # edge 0 moves by the smallest normal number, since denormals may be flushed.
        info = torch.finfo(current.dtype)
        low = ctx.low * ctx.amplitude * (1 + 2 * info.eps) or -info.tiny
        inside = torch.ops.aten.hardtanh_backward(grad, current, low, ctx.amplitude * (1 + 2 * info.eps))
        # dL/dtheta = sum g*n/T - sum over inside g*I/theta
        theta = (torch.dot(grad.reshape(-1), y.reshape(-1)) - torch.dot(inside.reshape(-1), current.reshape(-1))) / ctx.amplitude
        return inside, theta.reshape(1), None, None


def fire(current, theta, time_steps, low):
    """`Fire`, or its definition in plain operations where a compiler fuses them."""
    if not torch.compiler.is_compiling():
        return Fire.apply(current, theta, time_steps, low)
    n = (current.detach() * (time_steps / theta.detach()) + 0.5).floor().clamp(low * time_steps, time_steps)
    inside = (current >= low * theta) & (current <= theta)
    rate = torch.where(inside, current / theta, 0.0)
    return theta * (rate + (n / time_steps - rate).detach())


def quantised(weight, bits, per_row):
    """W^: `1` beta*sign(W - mean W), `1.58` gamma*clip(round(W/gamma), -1, 1), `32` W; one scale for the matrix or each row."""
    if bits == "32":
        return weight
    dim = 1 if per_row else (0, 1)
    if bits == "1":
        value = weight - weight.mean(dim, keepdim=True)
        scale = torch.linalg.vector_norm(value, 1, dim, keepdim=True).div_(weight.numel() // (weight.shape[0] if per_row else 1))
        return torch.where(value >= 0, scale, -scale)
    scale = torch.linalg.vector_norm(weight, 1, dim, keepdim=True).div_(weight.numel() // (weight.shape[0] if per_row else 1))
    return (weight / scale.clamp_min(torch.finfo(weight.dtype).tiny)).round_().clamp_(-1, 1).mul_(scale)


class Quantise(torch.autograd.Function):
    """`quantised` with the identity as its gradient."""

    @staticmethod
    def forward(ctx, weight, bits, per_row):
        return quantised(weight, bits, per_row)

    @staticmethod
    def backward(ctx, grad):
        return grad, None, None


def quantise(weight, bits, per_row):
    if bits == "32":
        return weight
    if torch.compiler.is_compiling():
        return weight + (quantised(weight.detach(), bits, per_row) - weight).detach()
    return Quantise.apply(weight, bits, per_row)


def onednn(x, weight, bias=None):
    """x weight^T + bias by oneDNN; operands may be transposed views."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class OneDnnLinear(torch.autograd.Function):
    """F.linear with its three products by oneDNN.

    PyTorch's own float32 products go to MKL, which on processors of other makers than its own keeps to AVX2. oneDNN, part of
    the same wheel, is about twice as fast there.
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        flat = x.reshape(-1, x.shape[-1])
        ctx.save_for_backward(flat, weight)
        return onednn(flat, weight, bias).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        flat = grad.reshape(-1, grad.shape[-1])
        by_x = onednn(flat, weight.t()).view(*grad.shape[:-1], -1) if ctx.needs_input_grad[0] else None
        return by_x, onednn(flat.t(), x.t()), flat.sum(0)


class Batch:
    """Sentences padded to the longest; no masks where all are equally long, as in most batches sorted by length."""

    def __init__(self, ids, types, mask, tokens, pairs, dtype):
        self.ids, self.types, self.tokens, self.pairs = ids, types, tokens, pairs
        self.token_mask = self.pair_mask = self.key_bias = None
        if mask is not None:
            real = mask.to(dtype)
            self.token_mask, self.pair_mask = real[:, :, None], real[:, None, :, None] * real[:, None, None, :]
            self.key_bias = torch.zeros_like(real).masked_fill_(~mask, -math.inf)[:, None, None, :]

    @staticmethod
    def of(sentences, types=None, dtype=torch.float32, always_mask=False):
        lengths = [len(ids) for ids in sentences]
        longest = max(lengths)
        pad = lambda rows: torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        mask = None
        if always_mask or min(lengths) < longest:
            mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
        return Batch(pad(sentences), None if types is None else pad(types), mask, sum(lengths), sum(n * n for n in lengths), dtype)


def heads_first(x, heads):
    """[B, L, D] to [B, H, L, D/H]"""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def attend(query, key, value, heads, batch):
    """Scores before the mask, and softmax(scores) value as [B, L, D]."""
    query, key, value = heads_first(query, heads), heads_first(key, heads), heads_first(value, heads)
    scores = (query @ key.transpose(2, 3)) * query.shape[3] ** -0.5
    masked = scores if batch.key_bias is None else scores + batch.key_bias
    return scores, (masked.softmax(3) @ value).transpose(1, 2).flatten(2)


def embed(words, tables, batch):
    """word + position + type; a batch without types is all of type 0."""
    position, token_type = tables
    types = token_type[0] if batch.types is None else F.embedding(batch.types, token_type)
    return words + (position[: batch.ids.shape[1]] + types)


class Teacher:
    """BERT classifier, forward only; `weights` are named as in a Hugging Face checkpoint without the `bert.` prefix."""

    def __init__(self, config, weights):
        self.config, self.w = config, weights
        self.qkv = []
        for i in range(config.layers):
            at = [f"encoder.layer.{i}.attention.self.{part}" for part in ("query", "key", "value")]
            self.qkv.append([torch.cat([weights[f"{name}.{kind}"] for name in at]) for kind in ("weight", "bias")])

    def linear(self, x, name):
        return self.config.linear(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.w[f"{name}.weight"], self.w[f"{name}.bias"], self.config.epsilon)

    # inference_mode would be lighter still, but its tensors may not be saved for the student's backward pass, which the
    # losses do.
    @torch.no_grad()
    def forward(self, batch):
        """Hidden states (layers + 1), scores (layers), logits."""
        w = self.w
        words = F.embedding(batch.ids, w["embeddings.word_embeddings.weight"])
        tables = w["embeddings.position_embeddings.weight"], w["embeddings.token_type_embeddings.weight"]
        x = self.norm(embed(words, tables, batch), "embeddings.LayerNorm")
        hidden, all_scores = [x], []
        for i, (weight, bias) in enumerate(self.qkv):
            at = f"encoder.layer.{i}."
            query, key, value = self.config.linear(x, weight, bias).chunk(3, 2)
            scores, ctx = attend(query, key, value, self.config.heads, batch)
            x = self.norm(self.linear(ctx, at + "attention.output.dense").add_(x), at + "attention.output.LayerNorm")
            inner = F.gelu(self.linear(x, at + "intermediate.dense"))
            x = self.norm(self.linear(inner, at + "output.dense").add_(x), at + "output.LayerNorm")
            hidden.append(x)
            all_scores.append(scores)
        return hidden, all_scores, self.linear(torch.tanh(self.linear(x[:, 0], "pooler.dense")), "classifier")


class Norm(nn.Module):
    def __init__(self, gain, bias, epsilon):
        super().__init__()
        self.gain, self.bias, self.epsilon = nn.Parameter(gain.clone()), nn.Parameter(bias.clone()), epsilon

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gain, self.bias, self.epsilon)


class Affine(nn.Module):
    def __init__(self, config, weight, bias, bits="32"):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
        self.linear, self.bits, self.per_row = config.linear, bits, config.per_row

    def forward(self, x):
        return self.linear(x, quantise(self.weight, self.bits, self.per_row), self.bias)


class Neurons(nn.Module):
    def __init__(self, config, name):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([dict(config.thresholds)[name]]))
        self.time_steps, self.low = config.time_steps, -1.0 if config.signed else 0.0

    def forward(self, current):
        return fire(current, self.theta, self.time_steps, self.low)


class Layer(nn.Module):
    def __init__(self, config, weights, i):
        super().__init__()
        self.heads, at = config.heads, f"encoder.layer.{i}."
        for name, path in MAPS.items():
            path = at + path
            setattr(self, name, Affine(config, weights[f"{path}.weight"], weights[f"{path}.bias"], config.bits))
        norm = lambda path: Norm(weights[f"{at}{path}.weight"], weights[f"{at}{path}.bias"], config.epsilon)
        self.attention_norm, self.output_norm = norm("attention.output.LayerNorm"), norm("output.LayerNorm")
        for name in POPULATIONS:
            setattr(self, f"{name}_neurons", Neurons(config, name))

    def forward(self, x, batch):
        key, value = self.key_neurons(self.key(x)), self.value_neurons(self.value(x))
        scores, ctx = attend(self.query(x), key, value, self.heads, batch)
        ctx = self.context_neurons(ctx)
        attended = self.attention_neurons(self.attention_norm(self.attention_output(ctx) + x))
        inner = self.feed_forward_neurons(F.gelu(self.intermediate(attended)))
        return self.output_neurons(self.output_norm(self.output(inner) + attended)), scores


class Tables(nn.Module):
    def __init__(self, config, weights):
        super().__init__()
        self.position = nn.Parameter(weights["embeddings.position_embeddings.weight"].clone())
        self.token_type = nn.Parameter(weights["embeddings.token_type_embeddings.weight"].clone())
        self.norm = Norm(weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"], config.epsilon)


class Student(nn.Module):
    """The spiking student at its quantised equilibrium, started from the teacher's weights, its classifier included."""

    def __init__(self, config, weights):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(weights["embeddings.word_embeddings.weight"].clone(), freeze=False)
        self.embeddings, self.embedding_neurons = Tables(config, weights), Neurons(config, "embedding")
        self.layers = nn.ModuleList(Layer(config, weights, i) for i in range(config.layers))
        self.classifier = Affine(config, weights["classifier.weight"], weights["classifier.bias"])
        width = self.words.embedding_dim
        self.fit = Affine(config, torch.eye(width), torch.zeros(width))

    def forward(self, batch, words=None):
        """Hidden values (layers + 1), scores (layers), logits; `words` are the word vectors [B, L, D] if looked up already."""
        words = self.words(batch.ids) if words is None else words
        tables = self.embeddings.position, self.embeddings.token_type
        x = self.embedding_neurons(self.embeddings.norm(embed(words, tables, batch)))
        hidden, all_scores = [x], []
        for layer in self.layers:
            x, scores = layer(x, batch)
            hidden.append(x)
            all_scores.append(scores)
        return hidden, all_scores, self.classifier(x[:, 0])


def square_error(ours, theirs, mask):
    """Sum of squares of the difference where `mask` (0 or 1) is 1."""
    if mask is not None:
        ours, theirs = ours * mask, theirs * mask
    return F.mse_loss(ours, theirs, reduction="sum")


def losses(student, teacher, batch, words=None):
    """The parts of the loss and, as `total`, their weighted sum."""
    targets, target_scores, target_logits = teacher.forward(batch)
    hidden, scores, logits = student(batch, words)
    values, heads = batch.tokens * hidden[0].shape[2], scores[0].shape[1]
    hidden_loss = sum(square_error(student.fit(h), t, batch.token_mask) for h, t in zip(hidden, targets)) / values
    attention = sum(square_error(s, t, batch.pair_mask) for s, t in zip(scores, target_scores)) / (heads * batch.pairs)
    prediction = F.cross_entropy(logits, target_logits.softmax(1))
    total = hidden_loss + 0.1 * attention + prediction
    return {"hidden": hidden_loss, "attention": attention, "prediction": prediction, "total": total}


class LazyRows:
    """AdamW on those rows of the word table that a batch uses; the others keep values and moments."""

    def __init__(self, table):
        self.table, self.first, self.second, self.steps = table, torch.zeros_like(table), torch.zeros_like(table), 0

    def gather(self, ids):
        self.used, inverse = torch.unique(ids, return_inverse=True)
        self.rows = self.table[self.used].requires_grad_()
        return F.embedding(inverse, self.rows)

    @torch.no_grad()
    def step(self):
        self.steps += 1
        grad = self.rows.grad
        first = self.first[self.used].lerp_(grad, 1 - BETAS[0])
        second = self.second[self.used].mul_(BETAS[1]).addcmul_(grad, grad, value=1 - BETAS[1])
        self.first[self.used], self.second[self.used] = first, second
        first.div_(1 - BETAS[0] ** self.steps)
        second.div_(1 - BETAS[1] ** self.steps).sqrt_().add_(EPSILON)
        self.table[self.used] = self.rows.mul(1 - LEARNING_RATE * WEIGHT_DECAY).addcdiv_(first, second, value=-LEARNING_RATE)


class Trainer:
    def __init__(self, folder, lazy=False, compiled=False, onednn_matmul=False):
        weights = load_file(folder / "model.safetensors")
        weights = {name.removeprefix("bert."): value.float() for name, value in weights.items() if value.is_floating_point()}
        config = dataclasses.replace(Config.read(folder), linear=OneDnnLinear.apply if onednn_matmul else F.linear)
        self.teacher, self.student = Teacher(config, weights), Student(config, weights)
        self.compiled = compiled
        self.losses = torch.compile(losses, dynamic=True) if compiled else losses
        self.lazy = LazyRows(self.student.words.weight.detach()) if lazy else None
        named = [(name, p) for name, p in self.student.named_parameters() if not (lazy and name == "words.weight")]
        theta = [p for name, p in named if name.endswith("theta")]
        matrices = [p for _, p in named if p.dim() == 2]
        vectors = [p for name, p in named if p.dim() == 1 and not name.endswith("theta")]
        self.parameters = theta + matrices + vectors
        self.optimizer = torch.optim.AdamW(
            [{"params": theta, "weight_decay": 0.0, "lr": LEARNING_RATE * THRESHOLD_FACTOR},
             {"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}],
            lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, fused=True)

    def step(self, sentences):
        # A compiled graph is kept free of the branch on padding, which would compile everything twice.
        batch = Batch.of(sentences, always_mask=self.compiled)
        words = self.lazy.gather(batch.ids) if self.lazy else None
        parts = self.losses(self.student, self.teacher, batch, words)
        parts["total"].backward()
        torch.nn.utils.clip_grad_norm_(self.parameters + ([self.lazy.rows] if self.lazy else []), CLIP, foreach=True)
        self.optimizer.step()
        if self.lazy:
            self.lazy.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {name: part.item() for name, part in parts.items()}


def read_batches(path):
    with open(path, encoding="utf-8") as file:
        batches = [batch["ids"] for batch in json.load(file)["batches"]]
    if not batches or not all(batch and all(batch) for batch in batches):
        raise SystemExit(f"{path}: expected one or more batches of one or more non-empty sentences")
    return batches


def measure(flags):
    torch.set_num_threads(flags.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    batches = read_batches(flags.batches)
    trainer = Trainer(flags.teacher, flags.words == "lazy", flags.compile, flags.matmul == "onednn")
    first, times, totals = None, [], []
    for i in range(WARM_UP + flags.steps):
        start = time.perf_counter()
        parts = trainer.step(batches[i % len(batches)])
        first = first or parts
        if i >= WARM_UP:
            times.append(1000 * (time.perf_counter() - start))
            totals.append(parts["total"])
    if not all(map(math.isfinite, totals)):
        raise SystemExit("the loss is not finite: these timings mean nothing")
    return {
        "ms_per_step": statistics.median(times), "mean": statistics.fmean(times),
        "p90": sorted(times)[math.ceil(0.9 * len(times)) - 1], "loss": statistics.fmean(totals), "threads": flags.threads,
        "torch": torch.__version__, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "steps": flags.steps, "words": flags.words, "matmul": flags.matmul, "compiled": flags.compile, "first_step": first,
    }


def selftest():
    """Neuron and quantisers on hand-made numbers against the definitions in the module's formulas."""
    close = lambda found, expected: torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-6, atol=1e-7)
    # T=16, theta=2: eight spikes a unit of current; +-0.0625 are ties, +-2 the clip edges.
    current = [-3.0, -2.0, -0.07, -0.0625, -0.05, 0.0, 0.0625, 1.0, 1.99, 2.0, 2.5]
    expected = {-1.0: ([-16, -16, -1, 0, 0, 0, 1, 8, 16, 16, 16], [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
                       [-1, 0, -0.0275, 0.03125, 0.025, 0, 0.03125, 0, 0.005, 0, 1]),
                0.0: ([0, 0, 0, 0, 0, 0, 1, 8, 16, 16, 16], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0],
                      [0, 0, 0, 0, 0, 0, 0.03125, 0, 0.005, 0, 1])}
    for low, (counts, inside, by_theta) in expected.items():
        x, theta = torch.tensor(current, requires_grad=True), torch.tensor([2.0], requires_grad=True)
        y = Fire.apply(x, theta, 16, low)
        close(y * 8, [float(n) for n in counts])
        y.sum().backward()
        close(x.grad, [float(i) for i in inside])
        for i, expected_theta in enumerate(by_theta):
            theta.grad = None
            Fire.apply(x.detach(), theta, 16, low)[i].backward()
            close(theta.grad, [float(expected_theta)])
    # The count is that of an integrate-and-fire neuron with soft reset which starts at theta/2.
    for i in (-0.4, 0.0, 0.0625, 0.3, 1.0, 1.99, 2.0, 2.5):
        v, spikes = 1.0, 0
        for _ in range(16):
            v += i
            if v >= 2.0:
                v, spikes = v - 2.0, spikes + 1
        close(Fire.apply(torch.tensor([i]), torch.tensor([2.0]), 16, 0.0) * 8, [float(spikes)])
    w = torch.tensor([[0.9, -0.4], [0.05, -0.3]])
    for bits, per_row, values in (
        ("1.58", False, [[0.4125, -0.4125], [0.0, -0.4125]]), ("1.58", True, [[0.65, -0.65], [0.0, -0.175]]),
        ("1", False, [[0.41875, -0.41875], [-0.41875, -0.41875]]), ("1", True, [[0.65, -0.65], [0.175, -0.175]]),
        ("32", False, w.tolist()),
    ):
        latent = w.clone().requires_grad_()
        found = quantise(latent, bits, per_row)
        close(found, values)
        (found * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        close(latent.grad, [[1.0, 2.0], [3.0, 4.0]])
    close(quantised(torch.tensor([[0.0, 1.0, -1.0]]), "1", False), [[2 / 3, 2 / 3, -2 / 3]])
    close(quantised(torch.zeros(1, 2), "1.58", False), [[0.0, 0.0]])
    # oneDNN's products and their gradients are those of F.linear.
    torch.manual_seed(0)
    x, weight, bias, grad = (torch.randn(*shape) for shape in ((2, 3, 5), (4, 5), (4,), (2, 3, 4)))
    results = []
    for linear in (F.linear, OneDnnLinear.apply):
        leaves = [t.clone().requires_grad_() for t in (x, weight, bias)]
        y = linear(*leaves)
        y.backward(grad)
        results.append([y.detach(), *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(results[1], results[0])
    # Padding changes nothing: one long and one short sentence together, and each alone.
    query, key, value = (torch.randn(2, 5, 4) for _ in range(3))
    both = Batch.of([[1] * 5, [1] * 3])
    _, ctx = attend(query, key, value, 2, both)
    alone = Batch.of([[1] * 3])
    torch.testing.assert_close(ctx[1:, :3], attend(query[1:, :3], key[1:, :3], value[1:, :3], 2, alone)[1])
    assert (both.tokens, both.pairs, alone.token_mask) == (8, 34, None)
    print("selftest: neuron, quantisers and masks agree with their definitions")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, metavar="DIR", help="fine-tuned BERT: config.json and model.safetensors")
    parser.add_argument("--batches", type=Path, metavar="FILE", help="token ids, written by the Rust bench")
    parser.add_argument("--steps", type=int, default=30, help="timed steps (default 30)")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--words", choices=("dense", "lazy"), default="dense",
                        help="update only the word vectors of the batch, or (as torch.optim does) all of them (default)")
    parser.add_argument("--matmul", choices=("default", "onednn"), default="default",
                        help="library of the matrix products (default: PyTorch's choice, MKL)")
    parser.add_argument("--compile", action="store_true", help="torch.compile the forward and backward passes")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the result here as well")
    parser.add_argument("--selftest", action="store_true", help="check the formulas and exit")
    flags = parser.parse_args()
    if flags.selftest:
        return selftest()
    if flags.teacher is None or flags.batches is None or flags.steps < 1:
        parser.error("--teacher and --batches are needed, and at least one step")
    result = json.dumps(measure(flags))
    print(result)
    if flags.json:
        flags.json.write_text(result + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
