// Spikes on a canvas.

/**
 * Paints trains `[neuron][T]` into a box: a column a step, a row a neuron, in the order given. Edges fall between pixels; the
 * canvas blends them, so that columns of 1.7 pixels still look alike.
 */
export function paintTrains(context, box, trains, neurons, steps, colours) {
  const columns = box.width / steps;
  const rows = box.height / neurons.length;
  // A gap between spikes only where it leaves something of them.
  const width = columns < 2.5 ? columns * 0.92 : columns * 0.82;
  const height = rows < 2.5 ? rows : rows * 0.86;
  for (const [sign, colour] of [[1, colours.plus], [-1, colours.minus]]) {
    context.fillStyle = colour;
    neurons.forEach((neuron, row) => {
      const y = box.y + row * rows;
      for (let t = 0; t < steps; t++) {
        if (trains[neuron * steps + t] === sign) context.fillRect(box.x + t * columns, y, width, height);
      }
    });
  }
}

/**
 * Where populations stand: blocks of a layer from left to right, in as many rows as the width needs. `layers` holds the populations
 * (by index) of each block. Returns `{cells: [{x, y, width, height}] by population, blocks: [{x, y, width, index}], height}`.
 */
export function layout(layers, width, steps) {
  const between = width < 600 ? 8 : 14;
  const gap = 3;
  const least = Math.min(40, Math.max(22, steps * 1.5));
  const widthIn = (row) => {
    const cells = row.flat().length;
    return (width - between * (row.length - 1) - gap * (cells - row.length)) / cells;
  };
  let rows = 1;
  let split = spread(layers, rows);
  while (rows < layers.length && Math.min(...split.map(widthIn)) < least) split = spread(layers, ++rows);
  const tall = rows === 1 ? 260 : rows === 2 ? 190 : rows < 5 ? 130 : 96;
  const label = 34;
  const cells = [];
  const blocks = [];
  let index = 0;
  split.forEach((row, r) => {
    let x = 0;
    const cell = widthIn(row);
    const y = r * (tall + label);
    for (const layer of row) {
      const start = x;
      for (const population of layer) {
        cells[population] = { x, y, width: cell, height: tall };
        x += cell + gap;
      }
      blocks.push({ x: start, y, width: x - gap - start, height: tall, index });
      index += 1;
      x += between - gap;
    }
  });
  return { cells, blocks, height: split.length * (tall + label) - 2 };
}

/** Layers in `rows` rows, as evenly as they go by cells, in order. */
function spread(layers, rows) {
  const cells = layers.flat().length;
  const split = [[]];
  let before = 0;
  for (const layer of layers) {
    if (split.length < rows && before + layer.length / 2 > (cells * split.length) / rows) split.push([]);
    split.at(-1).push(layer);
    before += layer.length;
  }
  return split;
}
