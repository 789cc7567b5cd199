"""The ONNX files of compare.py's peers: a BERT classifier, or a BERT that embeds, in f32 and int8.

    python onnx_peers.py FOLDER --teacher DIR|base     writes the files of VARIANTS, checked against PyTorch

`base` is BERT-base with random weights. A BERT without a head on top embeds: its output is the mean over tokens, brought to length 1.
What is known of the files is printed as one JSON object.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path

from measure import INPUTS, OnnxSession

# name -> (fused by the transformer optimizer, (weight type, per channel) or None for f32)
VARIANTS = {
    "f32": (False, None),
    "f32 fused": (True, None),
    "int8": (False, ("QInt8", False)),
    "int8 per channel": (False, ("QInt8", True)),
    "int8 unsigned": (False, ("QUInt8", False)),
    "int8 fused": (True, ("QInt8", False)),
}
# Largest difference of logits between PyTorch and the f32 files.
F32_BOUND = 1e-3


def file_of(folder, variant):
    return folder / (variant.replace(" ", "-") + ".onnx")


def embedder(encoder):
    """Vectors of length 1: the mean over the tokens that the mask keeps."""
    import torch

    class Embedder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.config = encoder, encoder.config

        def forward(self, ids, mask, types):
            hidden = self.encoder(ids, attention_mask=mask, token_type_ids=types).last_hidden_state
            kept = mask.unsqueeze(-1).to(hidden.dtype)
            return torch.nn.functional.normalize((hidden * kept).sum(1) / kept.sum(1))

    return Embedder()


def export(flags):
    import numpy as np
    import onnx
    import torch
    import transformers
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    if flags.teacher == "base":
        model = transformers.BertForSequenceClassification(transformers.BertConfig(attn_implementation="eager"))
    else:
        config = transformers.AutoConfig.from_pretrained(flags.teacher)
        if config.model_type != "bert":
            raise SystemExit(f"{flags.teacher}: expected a BERT, found {config.model_type}")
        embeds = config.architectures == ["BertModel"]
        kind = transformers.AutoModel if embeds else transformers.AutoModelForSequenceClassification
        model = kind.from_pretrained(flags.teacher, dtype=torch.float32, attn_implementation="eager")
        if embeds:
            model = embedder(model)
    model.eval()
    # A long sentence and a short one, padded: a wrong mask shows.
    ids = torch.randint(1, model.config.vocab_size, (2, 16))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    inputs = (ids, mask, torch.zeros_like(ids))
    axes = {name: {0: "batch", 1: "length"} for name in INPUTS}
    flags.folder.mkdir(parents=True, exist_ok=True)
    plain, fused = (file_of(flags.folder, name) for name in ("f32", "f32 fused"))
    torch.onnx.export(model, inputs, plain, input_names=list(INPUTS), output_names=["logits"], dynamic_axes=axes, opset_version=17,
                      dynamo=False)
    found = optimizer.optimize_model(str(plain), model_type="bert", num_heads=model.config.num_attention_heads,
                                     hidden_size=model.config.hidden_size, opt_level=0)
    operators = found.get_fused_operator_statistics()
    if operators["Attention"] != model.config.num_hidden_layers:
        raise SystemExit(f"the optimizer fused {operators['Attention']} of {model.config.num_hidden_layers} attentions: no fair peer")
    found.save_model_to_file(str(fused))
    for name, (is_fused, quantised) in VARIANTS.items():
        if quantised is not None:
            weight_type, per_channel = quantised
            quantize_dynamic(fused if is_fused else plain, file_of(flags.folder, name), per_channel=per_channel, reduce_range=False,
                             weight_type=QuantType[weight_type], extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
    # Dynamic quantisation has one scale for a whole tensor of activations: the check uses other lengths than the export.
    ids = torch.randint(1, model.config.vocab_size, (3, 31))
    mask = torch.ones_like(ids)
    mask[1, 20:], mask[2, 7:] = 0, 0
    with torch.inference_mode():
        expected = model(ids, mask, torch.zeros_like(ids))
    expected = getattr(expected, "logits", expected).numpy()
    differences = {}
    for name, (_, quantised) in VARIANTS.items():
        logits = OnnxSession(file_of(flags.folder, name), 1).logits(ids.numpy(), mask.numpy())
        differences[name] = float(np.abs(logits - expected).max())
        if quantised is None and not differences[name] <= F32_BOUND:
            raise SystemExit(f"{name}: logits differ from PyTorch by {differences[name]:.2e}, expected at most {F32_BOUND:.0e}")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"parameters": parameters, "vocabulary": model.config.vocab_size, "logit_differences": differences, "fused_operators": operators,
            "bytes": {name: file_of(flags.folder, name).stat().st_size for name in VARIANTS}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--teacher", required=True)
    print(json.dumps(export(parser.parse_args())))


if __name__ == "__main__":
    sys.exit(main())
