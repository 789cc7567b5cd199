// Elements without markup in strings: nothing that a server or a user says is ever parsed as HTML.

export const $ = (id) => document.getElementById(id);

/** `el("button", {type: "button", class: "primary", onclick}, "Play")`: attributes, listeners by `on...`, custom properties by `--...`. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A row of a chart of bars: name, bar, value. */
export function bar(name, share, value, kind = "", chosen = false) {
  const width = `${Math.min(100, Math.max(0, 100 * share)).toFixed(2)}%`;
  return [
    el("span", { class: `name${chosen ? " chosen" : ""}`, title: name }, name),
    el("span", { class: `meter ${kind}`, "aria-hidden": "true" }, el("span", { "--share": width })),
    el("span", { class: "value" }, value),
  ];
}

/** A canvas as large as its box, in device pixels; returns its context in CSS pixels. */
export function fit(canvas, width, height) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** The colours of the theme in force, by the names of `theme.css`. */
export function colours() {
  const probe = document.body.appendChild(el("i", { hidden: true }));
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["plus", "minus", "ink", "soft", "line", "strong-line", "well", "card", "accent"];
  const found = Object.fromEntries(names.map((name) => [name, read(name)]));
  probe.remove();
  return found;
}
