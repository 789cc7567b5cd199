// What went wrong, in a sentence, with what to do; asked again by itself where waiting helps.

import { $ } from "./dom.js";

const SAID = {
  0: "The server does not answer. Is it still running?",
  401: "This server wants an API key.",
  429: "The server is busy.",
  503: "The server takes no requests at the moment.",
};
const AGAIN = new Set([0, 429, 503]);

export class Trouble {
  #timer = 0;
  #wait = 1;

  /** `again()` asks once more; `useKey(key)` keeps a key. */
  constructor(again, useKey) {
    this.again = again;
    $("retry").addEventListener("click", () => this.#ask());
    $("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      useKey($("key").value.trim());
      this.#ask();
    });
  }

  #ask() {
    clearInterval(this.#timer);
    this.again();
  }

  clear() {
    clearInterval(this.#timer);
    this.#wait = 1;
    $("status").hidden = true;
    this.field(null);
  }

  /** Marks the sentence as what is at fault, or as sound again. */
  field(message) {
    $("text-error").textContent = message ?? "";
    if (message) $("text").setAttribute("aria-invalid", "true");
    else $("text").removeAttribute("aria-invalid");
  }

  show(error) {
    clearInterval(this.#timer);
    const { status, message, retryAfter, said: own } = error;
    if (status === 413 || status === 422 || status === 400) {
      $("status").hidden = true;
      this.field(status === 413 ? `The text is too long for this server. ${message}` : message);
      return;
    }
    $("status").hidden = false;
    $("key-form").hidden = status !== 401;
    $("retry").hidden = status === 401;
    const said = own ?? SAID[status] ?? message ?? "Something went wrong.";
    if (!AGAIN.has(status)) {
      $("status-text").textContent = said;
      return;
    }
    let left = Math.max(1, Math.ceil(retryAfter ?? this.#wait));
    this.#wait = Math.min(30, this.#wait * 2);
    $("status-text").textContent = `${said} Trying again in ${left} s.`;
    // Only the first line is said aloud; a countdown in an alert would be read every second.
    this.#timer = setInterval(() => {
      left -= 1;
      if (left <= 0) this.#ask();
    }, 1000);
  }
}
