"""Losses and gradients of one distillation step, in float64, for the Rust tests: writes fixtures/student-step.json.

Small students (D=32, T=16) start from the teacher fixtures/bert-tiny and meet one batch of three sentences. Forward and
backward pass are written here from torch primitives, straight-through estimators included, to be read beside ABOUT below,
which goes into the file. The teacher is run by transformers. Sentences are drawn from a fixed seed until no neuron lies within
MARGIN spikes of a rounding tie or of a clip edge, so that a computation in float32 must find the same spike counts.

    python golden.py            writes the file
    python golden.py --check    compares the file with what is computed now, and with step.py's faster operations
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import BertForSequenceClassification, logging

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
sys.path.insert(0, str(FIXTURES))
import compact_json  # noqa: E402  (lives beside the fixtures)

T = 16
MARGIN = 1e-4
WEIGHTS = {"hidden": 1.0, "attention": 0.1, "prediction": 1.0}
# All different, so that no two can be exchanged unnoticed; context below value, because a column of values that are saturated
# in every token gives a current of exactly the value threshold, which must not be a clip edge of the context neurons.
THRESHOLDS = {"embedding": 1.875, "key": 2.0, "value": 1.0, "context": 0.875, "attention": 2.25, "feed_forward": 1.75,
              "output": 2.125}
ABOUT = {
    "neuron": "n = clip(floor(I*T/theta + 1/2), low*T, T), low = 0 or, signed, -1; value y = theta*n/T. dy/dI = 1 where "
              "low*theta <= I <= theta, else 0; dy/dtheta = n/T - I/theta there, n/T elsewhere.",
    "weights": "1: beta*sign(W - mean W), beta = mean|W - mean W|, sign(0) = +1. 1.58: gamma*clip(round(W/gamma), -1, 1), "
               "gamma = mean|W|. 32: W. One mean for the matrix or one for each row. dL/dW = dL/dW^, nothing through the scales. "
               "Quantised: query, key, value, attention_output, intermediate, output of every layer.",
    "model": "x0 = N_embedding(LN(word + position + type)); query = W_q x + b_q; key = N_key(W_k x + b_k); value = N_value(W_v x + "
             "b_v); S = query key^T/sqrt(D/H); ctx = N_context(softmax(S) value); att = N_attention(LN(W_o ctx + b_o + x)); ffn = "
             "N_feed_forward(GELU(W_1 att + b_1)); x' = N_output(LN(W_2 ffn + b_2 + att)); logits = W_cls x_N[CLS] + b_cls. GELU "
             "with erf; LN epsilon 1e-12.",
    "start": "Layer n (1..N) copies the teacher's layer g(n) = n*teacher_layers/N, embeddings and classifier the teacher's (its "
             "pooler has no part in the student); fit is the identity with bias 0; thresholds as listed.",
    "hidden": "sum over n = 0..N of the mean over all tokens and D of (fit(x_n) - h_teacher[g(n)])^2, fit(x) = W_td x + b_td",
    "attention": "sum over layers n of the mean over heads and all token pairs of one sentence of (S_n - S_teacher,g(n))^2",
    "prediction": "-(mean over sentences) sum softmax(z_teacher/tau) log_softmax(z_student/tau), tau = temperature",
    "total": "weighted sum with loss_weights; gradients are of it",
}
# (weight bits, granularity, signed, layers, temperature)
CONFIGURATIONS = [(bits, granularity, signed, 2, 1.0) for bits in ("1.58", "1") for granularity in ("matrix", "row")
                  for signed in (True, False)]
CONFIGURATIONS += [("32", "matrix", True, 2, 1.0), ("32", "matrix", False, 2, 1.0), ("1.58", "matrix", True, 1, 2.0)]

MAPS = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "attention_output": "attention.output.dense", "intermediate": "intermediate.dense", "output": "output.dense"}
NORMS = {"attention_norm": "attention.output.LayerNorm", "output_norm": "output.LayerNorm"}
POPULATIONS = ("key", "value", "context", "attention", "feed_forward", "output")


class Teacher:
    def __init__(self):
        logging.disable_progress_bar()
        folder = FIXTURES / "bert-tiny"
        model = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        self.model = model.double().eval()
        self.layers, self.heads = model.config.num_hidden_layers, model.config.num_attention_heads
        self.vocabulary, self.epsilon = model.config.vocab_size, model.config.layer_norm_eps
        self.state = {name.removeprefix("bert."): value for name, value in self.model.state_dict().items()}

    @torch.no_grad()
    def run(self, sentence):
        """Hidden states [layers + 1][L, D], scores [layers][H, L, L] and logits of one sentence."""
        currents, handles = [], []
        for layer in self.model.bert.encoder.layer:
            for part in (layer.attention.self.query, layer.attention.self.key):
                handles.append(part.register_forward_hook(lambda _module, _inputs, output: currents.append(output[0])))
        out = self.model(input_ids=torch.tensor([sentence["ids"]]), token_type_ids=torch.tensor([sentence["types"]]),
                         output_hidden_states=True)
        for handle in handles:
            handle.remove()
        scores = [score(query, key, self.heads) for query, key in zip(currents[0::2], currents[1::2])]
        return [h[0] for h in out.hidden_states], scores, out.logits[0]


def split(x, heads):
    """[L, D] to [H, L, D/H]"""
    return x.reshape(x.shape[0], heads, -1).transpose(0, 1)


def score(query, key, heads):
    query, key = split(query, heads), split(key, heads)
    return query @ key.transpose(1, 2) / math.sqrt(query.shape[2])


def straight_through(value, through):
    """`value` forwards, the gradient of `through` backwards."""
    return value.detach() + (through - through.detach())


def quantised(weight, bits, granularity):
    mean = (lambda x: x.mean(1, keepdim=True)) if granularity == "row" else torch.mean
    if bits == "32":
        return weight
    with torch.no_grad():
        if bits == "1":
            centred = weight - mean(weight)
            value = mean(centred.abs()) * torch.where(centred >= 0, 1.0, -1.0)
        else:
            gamma = mean(weight.abs())
            value = gamma * (weight / gamma).round().clamp(-1, 1)
    return straight_through(value, weight)


class Student:
    """One configuration of the student; `self.p` holds its parameters under the names of the file."""

    def __init__(self, teacher, configuration):
        self.bits, self.granularity, self.signed, self.layers, self.temperature = configuration
        self.teacher, self.heads, self.epsilon = teacher, teacher.heads, teacher.epsilon
        t, self.p = teacher.state, {}
        self.p["words"] = t["embeddings.word_embeddings.weight"]
        self.p["embeddings.position"] = t["embeddings.position_embeddings.weight"]
        self.p["embeddings.token_type"] = t["embeddings.token_type_embeddings.weight"]
        self.p["embeddings.norm.gain"] = t["embeddings.LayerNorm.weight"]
        self.p["embeddings.norm.bias"] = t["embeddings.LayerNorm.bias"]
        self.p["embedding_neurons.theta"] = torch.tensor([THRESHOLDS["embedding"]])
        for i in range(self.layers):
            source = f"encoder.layer.{self.g(i + 1) - 1}."
            for name, path in MAPS.items():
                self.p[f"layers.{i}.{name}.weight"] = t[f"{source}{path}.weight"]
                self.p[f"layers.{i}.{name}.bias"] = t[f"{source}{path}.bias"]
            for name, path in NORMS.items():
                self.p[f"layers.{i}.{name}.gain"] = t[f"{source}{path}.weight"]
                self.p[f"layers.{i}.{name}.bias"] = t[f"{source}{path}.bias"]
            for name in POPULATIONS:
                self.p[f"layers.{i}.{name}_neurons.theta"] = torch.tensor([THRESHOLDS[name]])
        self.p["classifier.weight"], self.p["classifier.bias"] = t["classifier.weight"], t["classifier.bias"]
        width = self.p["words"].shape[1]
        self.p["fit.weight"], self.p["fit.bias"] = torch.eye(width), torch.zeros(width)
        self.p = {name: value.detach().double().clone().requires_grad_() for name, value in self.p.items()}
        self.margin, self.counts = math.inf, {}

    def g(self, n):
        assert self.teacher.layers % self.layers == 0
        return n * self.teacher.layers // self.layers

    def neuron(self, current, path, name):
        theta, low = self.p[f"{path}.theta"], -1.0 if self.signed else 0.0
        with torch.no_grad():
            ratio = current * T / theta
            n = (ratio + 0.5).floor().clamp(low * T, T)
            self.counts.setdefault(name, []).append(n)
            tie = ratio.sub(0.5).round().clamp(low * T, T - 1) + 0.5
            # A current of exactly 0 (no spike below it) is exact in every precision and on the inner side of the edge.
            distances = [(ratio - edge).abs() for edge in (tie, low * T, T)]
            self.margin = min(self.margin, *(d[ratio != 0].min().item() for d in distances))
            inside = (current >= low * theta) & (current <= theta)
        # Not clamp: whether its gradient counts the edges as inside depends on the version of torch.
        return theta * straight_through(n / T, torch.where(inside, current / theta, 0.0))

    def linear(self, x, path, bits):
        return F.linear(x, quantised(self.p[f"{path}.weight"], bits, self.granularity), self.p[f"{path}.bias"])

    def norm(self, x, path):
        return F.layer_norm(x, x.shape[-1:], self.p[f"{path}.gain"], self.p[f"{path}.bias"], self.epsilon)

    def forward(self, sentence):
        """Hidden values [N + 1][L, D], scores [N][H, L, L] and logits of one sentence."""
        ids, types = torch.tensor(sentence["ids"]), torch.tensor(sentence["types"])
        embedded = self.p["words"][ids] + self.p["embeddings.position"][: len(ids)] + self.p["embeddings.token_type"][types]
        x = self.neuron(self.norm(embedded, "embeddings.norm"), "embedding_neurons", "embedding")
        hidden, scores = [x], []
        for i in range(self.layers):
            at = f"layers.{i}."
            fire = lambda current, name: self.neuron(current, f"{at}{name}_neurons", f"layer.{i}.{name}")
            linear = lambda x, name: self.linear(x, at + name, self.bits)
            key, value = fire(linear(x, "key"), "key"), fire(linear(x, "value"), "value")
            scores.append(score(linear(x, "query"), key, self.heads))
            ctx = (scores[-1].softmax(-1) @ split(value, self.heads)).transpose(0, 1).reshape(x.shape)
            ctx = fire(ctx, "context")
            att = fire(self.norm(linear(ctx, "attention_output") + x, at + "attention_norm"), "attention")
            ffn = fire(F.gelu(linear(att, "intermediate")), "feed_forward")
            x = fire(self.norm(linear(ffn, "output") + att, at + "output_norm"), "output")
            hidden.append(x)
        return hidden, scores, self.linear(x[:1], "classifier", "32")[0]

    def losses(self, sentences):
        ours, theirs = [self.forward(s) for s in sentences], [self.teacher.run(s) for s in sentences]
        flat = lambda parts: torch.cat([part.reshape(-1) for part in parts])
        hidden = sum(
            F.mse_loss(flat(self.linear(o[0][n], "fit", "32") for o in ours), flat(t[0][self.g(n)] for t in theirs))
            for n in range(self.layers + 1))
        attention = sum(
            F.mse_loss(flat(o[1][n] for o in ours), flat(t[1][self.g(n + 1) - 1] for t in theirs)) for n in range(self.layers))
        logits, targets = torch.stack([o[2] for o in ours]), torch.stack([t[2] for t in theirs])
        tau = self.temperature
        prediction = -((targets / tau).softmax(1) * (logits / tau).log_softmax(1)).sum(1).mean()
        parts = {"hidden": hidden, "attention": attention, "prediction": prediction}
        parts["total"] = sum(WEIGHTS[name] * part for name, part in parts.items())
        return parts, logits, targets


def draw_sentences(rng, vocabulary):
    """A pair of 8 tokens, and sentences of 5 and 3, of random words."""
    word = lambda count: [int(w) for w in rng.integers(5, vocabulary, count)]
    return [{"ids": [2, *word(3), 3, *word(2), 3], "types": [0] * 5 + [1] * 3},
            {"ids": [2, *word(3), 3], "types": [0] * 5},
            {"ids": [2, *word(1), 3], "types": [0] * 3}]


def code_margin(student):
    """Smallest distance of a latent weight from the edge between two codes, in units of its scale."""
    margin = math.inf
    for name, weight in student.p.items():
        if name.startswith("layers.") and name.endswith(".weight"):
            mean = (lambda x: x.mean(1, keepdim=True)) if student.granularity == "row" else torch.mean
            w = weight.detach()
            w = (w - mean(w)).abs() if student.bits == "1" else w.abs()
            edge = 0.0 if student.bits == "1" else 0.5
            margin = min(margin, (w / mean(w) - edge).abs().min().item())
    return margin


def compute(teacher, configuration, seed):
    rng = np.random.Generator(np.random.PCG64(seed))
    for _ in range(2000):
        student, sentences = Student(teacher, configuration), draw_sentences(rng, teacher.vocabulary)
        losses, logits, targets = student.losses(sentences)
        if student.margin >= MARGIN:
            break
    else:
        raise SystemExit(f"no batch for {configuration} keeps {MARGIN} spikes from every tie; widen the search")
    if student.bits != "32" and code_margin(student) < 2e-6:
        raise SystemExit(f"{configuration}: a latent weight lies on the edge between two codes; draw another bert-tiny")
    losses["total"].backward()
    full, summaries, words = {}, {}, []
    for name, parameter in student.p.items():
        gradient = parameter.grad
        small = name.endswith("theta") or name.startswith("classifier.") or name.startswith("embeddings.norm.")
        small |= name.startswith("layers.0.") and not name.endswith(".weight")
        if name == "words":
            used = sorted({i for s in sentences for i in s["ids"]})
            words = [{"id": i, "norm": gradient[i].norm().item()} for i in used]
        elif small:
            full[name] = gradient.reshape(-1).tolist()
        else:
            summaries[name] = {"norm": gradient.norm().item(), "first": gradient.reshape(-1)[:8].tolist()}
    total = lambda parts, f: int(sum(f(n).sum() for n in parts))
    return {
        "weight_bits": student.bits, "granularity": student.granularity, "signed": student.signed, "layers": student.layers,
        "temperature": student.temperature, "sentences": sentences, "margin": student.margin,
        "losses": {name: loss.item() for name, loss in losses.items()},
        "logits": logits.tolist(), "teacher_logits": targets.tolist(),
        "populations": {name: {"sum": total(n, lambda n: n), "absolute": total(n, torch.abs)} for name, n in student.counts.items()},
        "gradients": full, "gradient_summaries": summaries, "word_gradient_norms": words,
    }


def check_step(found, teacher):
    """step.py's own operations, in float64, give the losses and gradients of every configuration that they cover."""
    import step

    for entry in found["configurations"]:
        if entry["layers"] != teacher.layers or entry["temperature"] != 1.0:
            continue
        config = step.Config.read(FIXTURES / "bert-tiny")
        config = config.with_student(entry["weight_bits"], entry["granularity"] == "row", entry["signed"], T, THRESHOLDS)
        weights = {name: value.clone() for name, value in teacher.state.items()}
        student, other = step.Student(config, weights).double(), step.Teacher(config, weights)
        batch = step.Batch.of([s["ids"] for s in entry["sentences"]], [s["types"] for s in entry["sentences"]], torch.float64)
        parts = step.losses(student, other, batch)
        parts["total"].backward()
        for name, loss in entry["losses"].items():
            torch.testing.assert_close(parts[name].item(), loss, rtol=1e-8, atol=1e-10, msg=f"{entry['weight_bits']}: {name}")
        gradients = {name: parameter.grad for name, parameter in student.named_parameters()}
        for name, values in entry["gradients"].items():
            torch.testing.assert_close(gradients[name].reshape(-1), torch.tensor(values, dtype=torch.float64), rtol=1e-7,
                                       atol=1e-8, msg=lambda m, at=name: f"{at}: {m}")
        for name, summary in entry["gradient_summaries"].items():
            torch.testing.assert_close(gradients[name].norm().item(), summary["norm"], rtol=1e-7, atol=1e-8)
        for word in entry["word_gradient_norms"]:
            torch.testing.assert_close(gradients["words.weight"][word["id"]].norm().item(), word["norm"], rtol=1e-7, atol=1e-8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; compare")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    teacher = Teacher()
    found = {"about": ABOUT, "teacher": "bert-tiny", "time_steps": T, "loss_weights": WEIGHTS, "thresholds": THRESHOLDS,
             "configurations": [compute(teacher, c, 100 + i) for i, c in enumerate(CONFIGURATIONS)]}
    path = FIXTURES / "student-step.json"
    if flags.check:
        check_step(found, teacher)
        if json.loads(compact_json.text(found)) != json.loads(path.read_text(encoding="utf-8")):
            raise SystemExit(f"{path} does not hold what is computed now; run without --check and look at the difference")
        print(f"{path}: as computed now; step.py agrees")
    else:
        compact_json.save(path, found)
        margins = [c["margin"] for c in found["configurations"]]
        print(f"wrote {path}: {path.stat().st_size} bytes, smallest margin {min(margins):.2g} spikes")


if __name__ == "__main__":
    main()
