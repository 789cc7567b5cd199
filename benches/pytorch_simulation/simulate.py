"""Simulates a spiking student for T steps as dense f32 matrix products in PyTorch, timed: the yardstick of `bitspike eval`.

    python simulate.py RUN --data DIR/SST-2 [--dynamics accumulated,instantaneous] [--timesteps 100] [--limit N] [--threads 1]
                       [--batch auto|N] [--matmul default|onednn] [--compile] [--rates] [--repeat N] [--json OUT]
    python simulate.py --selftest

RUN holds `model.json`, `best.safetensors` and `tokenizer.json`; DIR holds GLUE's `dev.tsv` for SST-2. Neurons are
integrate-and-fire with soft reset. The clock runs from token ids to logits of all sentences; loading, tokenising and choosing
the batch size are outside it. README.md says what was done to make it fast.
"""

import argparse
import dataclasses
import json
import math
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

KINDS = ("key", "value", "context", "attention", "feed_forward", "output")
DYNAMICS = ("accumulated", "instantaneous")
BATCHES = (4, 8, 16, 32, 64)
SWEEP_SENTENCES, SWEEP_STEPS = 64, 4


# ---- The student

def quantised(weight, bits, per_row):
    """W^ as f32: `1` s sign(W - mean W), `1.58` s clip(round(W/s), -1, 1), `32` W; sums in f64."""
    if bits == "32":
        return weight
    wide = weight.double()
    dim = 1 if per_row else (0, 1)
    if bits == "1":
        wide = wide - wide.mean(dim, keepdim=True)
        scale = wide.abs().mean(dim, keepdim=True).float()
        return torch.where(wide >= 0, scale, -scale)
    scale = wide.abs().mean(dim, keepdim=True).float()
    ratio = weight / scale
    return torch.where(ratio.abs() >= 0.5, ratio.sign(), 0.0) * scale


@dataclasses.dataclass
class Layer:
    """Weights in the units in which potentials are held: a potential of 1 is one threshold.

    `qkv` maps the spikes below to [query, key, value]: the query in units that make `query . key spikes` the scores, key and
    value in their thresholds.
    """

    qkv: tuple
    mix: float  # theta_value / theta_context
    attention_output: tuple
    attention_norm: tuple
    intermediate: tuple
    output: tuple
    output_norm: tuple
    theta: dict  # of the layer's populations, and "below"


class Student:
    def __init__(self, folder):
        from safetensors.torch import load_file

        config = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.max_length, config = config["max_length"], config["student"]
        if config["embedding_bits"] != 32:
            raise SystemExit(f"{folder}: expected full-precision embeddings, found {config['embedding_bits']} bits")
        self.config, w = config, load_file(folder / "best.safetensors")
        self.width, self.heads, self.signed = config["hidden"], config["heads"], config["signed"]
        self.time_steps, self.epsilon = config["time_steps"], config["layer_norm_eps"]
        bits, per_row = str(config["weight_bits"]), config["granularity"] == "row"
        self.words, self.position, self.token_type = w["words"], w["embeddings.position"], w["embeddings.token_type"]
        theta_x = w["embedding_neurons.theta"].item()
        self.embedding_norm = w["embeddings.norm.gain"][0] / theta_x, w["embeddings.norm.bias"][0] / theta_x
        self.layers = []
        for i in range(config["layers"]):
            theta = {kind: w[f"layers.{i}.{kind}_neurons.theta"].item() for kind in KINDS} | {"below": theta_x}

            def affine(name, amplitude, unit=1.0, i=i):
                weight = quantised(w[f"layers.{i}.{name}.weight"], bits, per_row)
                return weight * (amplitude / unit), w[f"layers.{i}.{name}.bias"][0] / unit

            def norm(name, unit, i=i):
                return w[f"layers.{i}.{name}.gain"][0] / unit, w[f"layers.{i}.{name}.bias"][0] / unit

            per_score = math.sqrt(self.width // self.heads) / theta["key"]
            parts = [affine("query", theta_x, per_score), affine("key", theta_x, theta["key"]),
                     affine("value", theta_x, theta["value"])]
            self.layers.append(Layer(
                qkv=tuple(torch.cat(part) for part in zip(*parts)),
                mix=theta["value"] / theta["context"],
                attention_output=affine("attention_output", theta["context"]),
                attention_norm=norm("attention_norm", theta["attention"]),
                intermediate=affine("intermediate", theta["attention"]),
                output=affine("output", theta["feed_forward"]),
                output_norm=norm("output_norm", theta["output"]),
                theta=theta,
            ))
            theta_x = theta["output"]
        self.classifier = w["classifier.weight"] * theta_x, w["classifier.bias"][0]

    def embed(self, batch):
        """The constant current of the embedding population, in units of its threshold."""
        x = F.embedding(batch.ids, self.words) + (self.position[: batch.ids.shape[1]] + self.token_type[0])
        return F.layer_norm(x, (self.width,), *self.embedding_norm, self.epsilon)


class Batch:
    """Sentences padded to the longest; no mask where all are equally long, as in most batches sorted by length."""

    def __init__(self, sentences):
        lengths = torch.tensor([len(ids) for ids in sentences])
        longest = int(lengths.max())
        self.ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids in sentences])
        self.real = torch.arange(longest) < lengths[:, None]
        self.tokens = int(lengths.sum())
        self.bias = None
        if int(lengths.min()) < longest:
            self.bias = torch.zeros(self.real.shape).masked_fill_(~self.real, -math.inf)[:, None, None, :]


def onednn(x, weight, bias):
    """x weight^T + bias by oneDNN, part of the same wheel; PyTorch's own f32 products go to MKL."""
    flat = x.reshape(-1, x.shape[-1])
    return torch.ops.mkldnn._linear_pointwise(flat, weight, bias, "none", [], "").view(*x.shape[:-1], -1)


def attend(query, key, value, heads, scale, bias):
    """softmax(scale query key^T) value, [B, L, D]"""
    query, key, value = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scale).transpose(1, 2).flatten(2)


# ---- Neurons. A potential stands in units of its threshold, raised by 1/2 for signed neurons: v[0] = 1/2 for all, and
# s = clip(floor(v), low, 1) is the rule of both kinds.

def fire(v, s, low):
    """Spikes of the potentials into `s`; takes them off the potentials."""
    torch.floor(v, out=s)
    s.clamp_(low, 1.0)
    v.sub_(s)


def fire_from_total(left, total, factor, s, low):
    """The same where `factor * total` is everything that came in so far; `left` is 1/2 less the net count, so that
    `left + factor * total` is the potential: a running sum of a difference needs neither the difference nor the sum."""
    torch.add(left, total, alpha=factor, out=s)
    s.floor_().clamp_(low, 1.0)
    left.sub_(s)


class Accumulated:
    """A layer whose currents are the differences t f(mean_t) - (t-1) f(mean_t-1)."""

    def __init__(self, layer, model, batch):
        sentences, length = batch.ids.shape
        d, f = model.width, model.config["intermediate"]
        shape = lambda width, value: torch.full((sentences, length, width), value)
        # Sums of the affine maps; key and value start at their rest.
        self.qkv, self.kv_count, self.kv = shape(3 * d, 0.0), shape(2 * d, 0.0), shape(2 * d, 0.0)
        self.qkv[..., d:] = 0.5
        self.attention_sum, self.intermediate_sum, self.output_sum = shape(d, 0.0), shape(f, 0.0), shape(d, 0.0)
        self.left = {"context": shape(d, 0.5), "attention": shape(d, 0.5), "feed_forward": shape(f, 0.5), "output": shape(d, 0.5)}
        self.spikes = {kind: torch.empty_like(left) for kind, left in self.left.items()}
        self.layer, self.model, self.batch, self.d = layer, model, batch, d

    def step(self, x, t, linear):
        """From the spikes of the layer below at step `t` to those of this one."""
        layer, model, d, low = self.layer, self.model, self.d, -1.0 if self.model.signed else 0.0
        left, s = self.left, self.spikes
        self.qkv.add_(linear(x, *layer.qkv))
        torch.sub(self.qkv[..., d:], self.kv_count, out=self.kv)
        self.kv.floor_().clamp_(low, 1.0)
        self.kv_count.add_(self.kv)
        counts = self.kv_count
        # Sums instead of means: only the scores need the factor, the values' is that of the total.
        ctx = attend(self.qkv[..., :d], counts[..., :d], counts[..., d:], model.heads, 1.0 / (t * t), self.batch.bias)
        fire_from_total(left["context"], ctx, layer.mix, s["context"], low)
        # A layer norm of t times its input, with t^2 times its epsilon, is the layer norm of the input.
        total = self.attention_sum.add_(linear(s["context"], *layer.attention_output)).add_(x, alpha=layer.theta["below"])
        total = F.layer_norm(total, (d,), *layer.attention_norm, model.epsilon * t * t)
        fire_from_total(left["attention"], total, t, s["attention"], low)
        total = self.intermediate_sum.add_(linear(s["attention"], *layer.intermediate))
        total = F.gelu(total * (1.0 / t))
        fire_from_total(left["feed_forward"], total, t / layer.theta["feed_forward"], s["feed_forward"], low)
        total = self.output_sum.add_(linear(s["feed_forward"], *layer.output)).add_(s["attention"], alpha=layer.theta["attention"])
        total = F.layer_norm(total, (d,), *layer.output_norm, model.epsilon * t * t)
        fire_from_total(left["output"], total, t, s["output"], low)
        return s["output"]

    def fired(self):
        """The spikes of the last step by kind."""
        return {"key": self.kv[..., : self.d], "value": self.kv[..., self.d :], **self.spikes}

    def count(self):
        """Net counts of the output population, of the first tokens."""
        return 0.5 - self.left["output"][:, 0]


class Instantaneous:
    """A layer whose currents are functions of the spikes of the step."""

    def __init__(self, layer, model, batch):
        sentences, length = batch.ids.shape
        d, f = model.width, model.config["intermediate"]
        widths = {"key_value": 2 * d, "context": d, "attention": d, "feed_forward": f, "output": d}
        self.v = {kind: torch.full((sentences, length, width), 0.5) for kind, width in widths.items()}
        self.spikes = {kind: torch.empty_like(v) for kind, v in self.v.items()}
        self.sum = torch.zeros(sentences, d)
        self.layer, self.model, self.batch, self.d = layer, model, batch, d

    def step(self, x, t, linear):
        layer, model, d, low = self.layer, self.model, self.d, -1.0 if self.model.signed else 0.0
        v, s = self.v, self.spikes
        qkv = linear(x, *layer.qkv)
        fire(v["key_value"].add_(qkv[..., d:]), s["key_value"], low)
        kv = s["key_value"]
        ctx = attend(qkv[..., :d], kv[..., :d], kv[..., d:], model.heads, 1.0, self.batch.bias)
        fire(v["context"].add_(ctx, alpha=layer.mix), s["context"], low)
        current = linear(s["context"], *layer.attention_output).add_(x, alpha=layer.theta["below"])
        current = F.layer_norm(current, (d,), *layer.attention_norm, model.epsilon)
        fire(v["attention"].add_(current), s["attention"], low)
        current = F.gelu(linear(s["attention"], *layer.intermediate))
        fire(v["feed_forward"].add_(current, alpha=1.0 / layer.theta["feed_forward"]), s["feed_forward"], low)
        current = linear(s["feed_forward"], *layer.output).add_(s["attention"], alpha=layer.theta["attention"])
        current = F.layer_norm(current, (d,), *layer.output_norm, model.epsilon)
        fire(v["output"].add_(current), s["output"], low)
        self.sum.add_(s["output"][:, 0])
        return s["output"]

    def fired(self):
        s = self.spikes
        return {"key": s["key_value"][..., : self.d], "value": s["key_value"][..., self.d :], **{k: s[k] for k in KINDS[2:]}}

    def count(self):
        return self.sum


class Rates:
    """Spikes of each population over real tokens."""

    def __init__(self):
        self.spikes, self.places, self.tokens = {}, {}, 0

    def step(self, name, s, real):
        fired = s[real].count_nonzero().item()
        self.spikes[name] = self.spikes.get(name, 0) + fired
        self.places[name] = self.places.get(name, 0) + s.shape[-1] * int(real.sum())

    def mean(self):
        """Over the populations, each counting alike; and over all neurons."""
        return (statistics.fmean(self.spikes[name] / self.places[name] for name in self.spikes),
                sum(self.spikes.values()) / sum(self.places.values()))


def simulate(model, batch, dynamics, times, linear, step, rates=None):
    """Logits at each of `times`; `step(state, x, t, linear)` advances a layer."""
    state = {"accumulated": Accumulated, "instantaneous": Instantaneous}[dynamics]
    states = [state(layer, model, batch) for layer in model.layers]
    current, low = model.embed(batch), -1.0 if model.signed else 0.0
    v, x = torch.full_like(current, 0.5), torch.empty_like(current)
    logits = {}
    for t in range(1, max(times) + 1):
        fire(v.add_(current), x, low)
        below = x
        if rates is not None:
            rates.step("embedding", x, batch.real)
        for number, layer in enumerate(states):
            below = step(layer, below, t, linear)
            if rates is not None:
                for kind, s in layer.fired().items():
                    rates.step(f"layer.{number}.{kind}", s, batch.real)
        if t in times:
            logits[t] = F.linear(states[-1].count() / t, *model.classifier)
    return logits


def phased(model, batch, linear):
    """Logits of the quantised equilibrium at the T of training."""
    t, low = model.time_steps, -model.time_steps if model.signed else 0
    rate = lambda current: (current * t + 0.5).floor_().clamp_(low, t).div_(t)
    x, d = rate(model.embed(batch)), model.width
    for layer in model.layers:
        query, kv = linear(x, *layer.qkv).split((d, 2 * d), 2)
        kv = rate(kv)
        ctx = rate(attend(query, kv[..., :d], kv[..., d:], model.heads, 1.0, batch.bias) * layer.mix)
        att = linear(ctx, *layer.attention_output).add_(x, alpha=layer.theta["below"])
        att = rate(F.layer_norm(att, (d,), *layer.attention_norm, model.epsilon))
        inner = rate(F.gelu(linear(att, *layer.intermediate)) / layer.theta["feed_forward"])
        x = linear(inner, *layer.output).add_(att, alpha=layer.theta["attention"])
        x = rate(F.layer_norm(x, (d,), *layer.output_norm, model.epsilon))
    return F.linear(x[:, 0], *model.classifier)


# ---- Data and timing

def read_dev(folder, tokenizer_file, max_length, limit):
    """Token ids and labels of the first `limit` examples of dev."""
    from tokenizers import Tokenizer

    path = folder / "dev.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].split("\t") != ["sentence", "label"]:
        raise SystemExit(f"{path}: expected the header `sentence<TAB>label`, found {lines[:1]}")
    rows = [line.split("\t") for line in lines[1:]][:limit]
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [tokenizer.encode(sentence).ids for sentence, _ in rows], [int(label) for _, label in rows]


def batches_of(sentences, size):
    """[(indices, Batch)], longest first."""
    order = sorted(range(len(sentences)), key=lambda i: -len(sentences[i]))
    chunks = [order[i : i + size] for i in range(0, len(order), size)]
    return [(chunk, [sentences[i] for i in chunk]) for chunk in chunks]


def run(model, sentences, size, dynamics, times, linear, step, rates=None):
    """Answers at each time, and seconds."""
    answers = {t: [0] * len(sentences) for t in times}
    started = time.perf_counter()
    for indices, chunk in batches_of(sentences, size):
        for t, logits in simulate(model, Batch(chunk), dynamics, times, linear, step, rates).items():
            for i, answer in zip(indices, logits.argmax(1).tolist()):
                answers[t][i] = answer
    return answers, time.perf_counter() - started


def choose_batch(model, sentences, dynamics, linear, step):
    """The fastest of BATCHES on a few steps of evenly drawn sentences."""
    stride = max(1, len(sentences) // SWEEP_SENTENCES)
    sample = sorted(sentences, key=len)[::stride][:SWEEP_SENTENCES]
    found = {}
    for size in (size for size in BATCHES if size == BATCHES[0] or size <= len(sample)):
        run(model, sample[: size + 1], size, dynamics, (1,), linear, step)
        found[size] = min(run(model, sample, size, dynamics, (SWEEP_STEPS,), linear, step)[1] for _ in range(2))
    print(f"  batch sizes, s: { {size: round(s, 3) for size, s in found.items()} }", file=sys.stderr)
    return min(found, key=found.get)


def plain_step(state, x, t, linear):
    return state.step(x, t, linear)


def stepper(compiled):
    if not compiled:
        return plain_step
    torch._dynamo.config.cache_size_limit = torch._dynamo.config.accumulated_cache_size_limit = 256
    inner = torch.compile(plain_step, dynamic=True)
    return lambda state, x, t, linear: inner(state, x, float(t), linear)


@torch.inference_mode()
def measure(flags):
    torch.set_num_threads(flags.threads)
    torch.set_flush_denormal(True)
    model = Student(flags.run)
    sentences, labels = read_dev(flags.data, flags.run / "tokenizer.json", model.max_length, flags.limit)
    linear = onednn if flags.matmul == "onednn" else F.linear
    step = stepper(flags.compile)
    tokens = sum(map(len, sentences))
    reference = [0] * len(sentences)
    for indices, chunk in batches_of(sentences, 32):
        for i, answer in zip(indices, phased(model, Batch(chunk), linear).argmax(1).tolist()):
            reference[i] = answer
    share = lambda a, b: sum(x == y for x, y in zip(a, b)) / len(a)
    results = []
    for dynamics in flags.dynamics:
        size = choose_batch(model, sentences, dynamics, linear, step) if flags.batch == "auto" else int(flags.batch)
        seconds, longest = [], max(flags.timesteps)
        for _ in range(flags.repeat):
            answers, took = run(model, sentences, size, dynamics, flags.timesteps, linear, step)
            seconds.append(took)
        took, extra = statistics.median(seconds), {}
        if flags.rates:  # a pass of its own: counting is not part of the time
            for t in flags.timesteps:
                rates = Rates()
                run(model, sentences, size, dynamics, (t,), linear, plain_step, rates)
                extra[t] = dict(zip(("mean_rate", "mean_rate_of_neurons"), rates.mean()),
                                spikes_per_token=sum(rates.spikes.values()) / tokens)
        for t in flags.timesteps:
            results.append({"dynamics": dynamics, "time_steps": t, "accuracy": share(answers[t], labels),
                            "agreement": share(answers[t], reference), "batch": size, "seconds": took, "all_seconds": seconds,
                            "ms_per_sentence": 1e3 * took / len(sentences), "token_steps_per_second": tokens * longest / took,
                            **extra.get(t, {})})
    return {"torch": torch.__version__, "threads": flags.threads, "matmul": flags.matmul, "compile": flags.compile,
            "sentences": len(sentences), "tokens": tokens, "phased_accuracy": share(reference, labels), "dynamics": results}


# ---- Checks

@torch.inference_mode()
def selftest():
    """The neuron and the quantisers by hand; both dynamics of a random student against their definitions in f64."""
    for low, currents, expected in ((-1.0, (0.5, -1.1, 0.4, -0.7), (1, -1, 0, 0)), (0.0, (0.5, 0.2, 0.8, -3.0), (1, 0, 1, 0))):
        v, s, found = torch.full((1,), 0.5), torch.empty(1), []
        for current in currents:
            fire(v.add_(current), s, low)
            found.append(int(s))
        assert tuple(found) == expected, (found, expected)
    w = torch.tensor([[0.9, -0.4], [0.05, -0.3]])
    for bits, per_row, values in (("1.58", False, [[0.4125, -0.4125], [0, -0.4125]]), ("1.58", True, [[0.65, -0.65], [0, -0.175]]),
                                  ("1", False, [[0.41875, -0.41875], [-0.41875, -0.41875]]), ("1", True, [[0.65, -0.65], [0.175, -0.175]])):
        torch.testing.assert_close(quantised(w, bits, per_row), torch.tensor(values, dtype=torch.float32))
    check_against_definitions()
    print("selftest: neurons, quantisers and both dynamics agree with their definitions")


def check_against_definitions():
    """Net counts, all populations, of the students and sentences of fixtures/dynamics.json, with IF neurons and soft reset."""
    golden = json.loads((Path(__file__).resolve().parents[2] / "fixtures" / "dynamics.json").read_text(encoding="utf-8"))
    compared = 0
    for case in golden["students"]:
        model = Student.__new__(Student)
        values = {name: torch.tensor(p["steps"], dtype=torch.float32).view(p["shape"]) * p["unit"] for name, p in case["parameters"].items()}
        model.load(case["config"], values)
        for found in case["runs"]:
            if (found["beta"], found["reset"]) != (1.0, "soft"):
                continue
            for sentence in found["sentences"]:
                batch = Batch([sentence["ids"]])
                types = torch.tensor([sentence["types"]])
                for result in sentence["results"]:
                    t, last = result["time_steps"], model.config["layers"] - 1
                    if found["dynamics"] == "phased":
                        if t != model.time_steps:
                            continue
                        logits = phased(model, batch, F.linear, types)
                    else:
                        nets = Nets()
                        logits = simulate(model, batch, found["dynamics"], (t,), F.linear, plain_step, nets, types)[t]
                        for name, expected in zip(case["populations"], result["spikes"]):
                            assert nets.summary(name) == expected, (name, nets.summary(name), expected)
                    torch.testing.assert_close(logits[0], torch.tensor(result["logits"]), rtol=0, atol=1e-4)
                    compared += 1
    assert compared >= 60, compared


if __name__ == "__main__":
    pass
