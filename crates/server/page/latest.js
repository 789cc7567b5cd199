// Of requests for the same thing only the latest matters: a new one aborts what runs and what waits.

export class Latest {
  #controller = null;
  #timer = 0;

  /** Runs `task(signal)` after `delay` milliseconds; its result is given to `done` unless a later call came between. */
  run(task, { delay = 0, done, failed }) {
    this.cancel();
    const controller = new AbortController();
    this.#controller = controller;
    this.#timer = setTimeout(async () => {
      try {
        const found = await task(controller.signal);
        if (!controller.signal.aborted) done(found);
      } catch (error) {
        if (!controller.signal.aborted) failed(error);
      }
    }, delay);
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#controller?.abort();
  }
}
