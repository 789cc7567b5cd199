// What can go wrong, told apart by `code`.

/**
 * Every error of this package but an abort, which rejects with the signal's reason. `code` is one of
 * `network` (nothing came, or it broke off), `http` (the host refused; `status` says how), `content_type` (a page instead of a model),
 * `hash` (other bytes than were asked for), `model` (a damaged or unknown file), `validation` (an input or option; `field` says which),
 * `memory` (the host gives no more), `unsupported` (this host lacks something), `closed` (the model was closed) and `internal`.
 */
export class BitspikeError extends Error {
  constructor(code, message, { field = null, status = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "BitspikeError";
    this.code = code;
    this.field = field;
    this.status = status;
  }
}

/** An error as it crosses the border of a worker, and back. */
export const packError = (error) =>
  error instanceof BitspikeError
    ? { code: error.code, message: error.message, field: error.field }
    : { code: "internal", message: String(error?.message ?? error), field: null };

export const unpackError = ({ code, message, field }) => new BitspikeError(code, message, { field });
