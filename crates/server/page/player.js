// Position in time, and what moves it.

const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  position = 0;
  end = 1;
  window = 1;
  speed = 1;
  playing = false;
  #last = 0;

  /** `onMove(position)` after every move; `onState(playing)` when playing begins or ends. */
  constructor(onMove, onState) {
    this.onMove = onMove;
    this.onState = onState;
  }

  /** A trace of `windows` windows of `steps` steps, one after another. The position stays where it was in proportion. */
  load(windows, steps) {
    const share = this.end > 0 ? this.position / this.end : 1;
    this.end = windows * steps;
    this.window = steps;
    this.seek(Math.round(share * this.end));
  }

  play() {
    if (this.playing) return;
    if (this.position >= this.end) this.seek(0);
    this.playing = true;
    this.#last = performance.now();
    this.onState(true);
    requestAnimationFrame(this.#frame);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.seek(Math.ceil(this.position));
    this.onState(false);
  }

  step(by) {
    this.pause();
    this.seek(Math.round(this.position) + by);
  }

  seek(position) {
    this.position = Math.min(this.end, Math.max(0, position));
    this.onMove(this.position);
  }

  // All of it takes eight seconds, or five where there is one window. Who asks for less motion sees a window, or a step, twice a second.
  #frame = (now) => {
    if (!this.playing) return;
    const passed = (now - this.#last) / 1000;
    if (reduced.matches) {
      if (passed * this.speed >= 0.5) {
        this.#last = now;
        this.seek(Math.floor(this.position) + (this.end > this.window ? this.window : 1));
      }
    } else {
      this.#last = now;
      const whole = this.end > this.window ? 8 : 5;
      this.seek(this.position + (Math.min(passed, 0.1) * this.speed * this.end) / whole);
    }
    if (this.position >= this.end) this.pause();
    else requestAnimationFrame(this.#frame);
  };
}
