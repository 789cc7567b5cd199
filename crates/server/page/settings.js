// What is chosen: kept in the address, so that a link shows the same, and the theme in the browser.

import { $ } from "./dom.js";

const KEYS = ["model", "text", "pair", "dynamics", "token"];

/** What the address says. The part after `#` never reaches a server. */
export function fromAddress() {
  const found = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(KEYS.filter((key) => found.has(key)).map((key) => [key, found.get(key)]));
}

export function toAddress(values) {
  const kept = new URLSearchParams();
  for (const key of KEYS) if (values[key]) kept.set(key, values[key]);
  history.replaceState(null, "", `#${kept}`);
}

/** The button that turns the colours; `onChange` after each turn, the system's included. */
export function themes(onChange) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const button = $("theme");
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    const isDark = theme ? theme === "dark" : dark.matches;
    button.setAttribute("aria-pressed", String(isDark));
    onChange();
    return isDark;
  };
  const kept = storage((local) => local.getItem("bitspike-theme"));
  let isDark = apply(kept === "dark" || kept === "light" ? kept : null);
  button.addEventListener("click", () => {
    const theme = isDark ? "light" : "dark";
    storage((local) => local.setItem("bitspike-theme", theme));
    isDark = apply(theme);
  });
  dark.addEventListener("change", () => {
    if (!document.documentElement.dataset.theme) isDark = apply(null);
  });
}

/** Storage may be forbidden; the page works without. */
function storage(use) {
  try {
    return use(window.localStorage);
  } catch {
    return null;
  }
}
