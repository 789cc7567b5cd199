"""Blocks of a model, and not the model, in the neuromorphic intermediate representation (NIR), and what simulators make of them.

NIR has affine maps and integrate-and-fire neurons. It has no softmax, no layer norm, no residual sum that its readers agree on, no GELU
and no embedding table, so what lies between two blocks is not in the file:

| population | its block | what makes its current, and is not in the file |
|---|---|---|
| `embedding` | neurons | rows of three tables, added, and a layer norm |
| `layer.0.key`, `layer.0.value` | affine map and neurons | nothing: the block reads the spikes of the layer's input |
| `layer.0.context` | neurons | softmax of queries and keys, times values |
| `layer.0.attention` | neurons; the map alone as `layer_0_attention_output_map` | a residual sum and a layer norm |
| `layer.0.feed_forward` | neurons; the map alone as `layer_0_intermediate_map` | GELU |
| `layer.0.output` | neurons; the map alone as `layer_0_output_map` | a residual sum and a layer norm |
| query, classifier | the map alone as `layer_0_query_map`, `classifier_map` | a query is a current and has no neuron |

A file holds one graph, and in it each block as a graph of its own: `nir.read(file).nodes["layer_0_key"]` is one that readers take.
Names have `_` for `.`.

**Units.** Currents are charges `q = T I / theta`, and thresholds are `T`, so that no count depends on how `theta` was rounded. Scales are
multiplied into the weights.

**Signed neurons**, which NIR has none of, are one population over `2 T` steps that receives `(q + T) / 2`; its count less `T` is theirs.
Each step of input is given twice.

**Start.** Neurons start at `T / 2`, which NIR cannot say either. It is in the metadata, and `start="first-current"` gives maps one more
input, whose weight is `T / 2` and which is 1 in the first step and 0 later. Blocks of neurons alone take it with their first current.

Metadata of a block: `population`, `reads` (the population whose spikes are its input, or what its input is), `steps`, `repeat` (how
often each step of input is given), `minus` (what to take from a count), `initial_potential`, `start`.

[`check`][bitspike.nir.check] drives a reader with such a file and compares its counts with ours.
"""

from ._blocks import read, write
from ._compare import Agreement, check
from ._readers import READERS
from ._recording import Recording, record

__all__ = ["READERS", "Agreement", "Recording", "check", "read", "record", "write"]
