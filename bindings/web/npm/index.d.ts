/** A text, or the two texts of a task on pairs. */
export type Input = string | { text: string; text_pair?: string | null };

/** Where a model comes from: an address (in Node also a path), a response, a file, or its bytes. */
export type Source = string | URL | Response | Blob | ArrayBuffer | ArrayBufferView;

export interface Progress {
  /** Bytes that are here. */
  loaded: number;
  /** Bytes in all; null where the host does not say. */
  total: number | null;
  /** Whether they come from the cache. */
  cached: boolean;
}

export interface LoadOptions {
  /** Hears of every piece of the model that comes. */
  progress?: (progress: Progress) => void;
  /** Ends loading. */
  signal?: AbortSignal;
  /** What the model's SHA-256 must be, in hexadecimal digits. */
  sha256?: string;
  /** Whether the model is kept for the next time (true), read anew and kept (`reload`), or neither (false). Node keeps nothing. */
  cache?: boolean | "reload";
  /** Whether it runs on a thread of its own (true, unless given). */
  worker?: boolean;
  /** Which vector instructions it uses; all give the same bits. `auto` takes relaxed SIMD where the host has it. */
  simd?: "auto" | "relaxed" | "simd128" | "scalar";
}

export interface AskOptions {
  /** Rejects the promise at once; what has not begun never does. */
  signal?: AbortSignal;
}

export interface ClassifyOptions extends AskOptions {
  /** Whether the classifier's outputs are told too. */
  logits?: boolean;
  /** Whether spikes, operations and energy are counted too, which takes as long as a simulation. */
  cost?: boolean;
}

/** What one text takes. */
export interface Cost {
  /** Spikes of either sign. */
  spikes: number;
  /** Additions of a weight or a value that spikes caused. */
  accumulates: number;
  /** Multiply-adds, of attention on values and of the classifier. */
  multiply_adds: number;
  /** Time steps counted. */
  steps: number;
  /** Microjoules of arithmetic and memory under the constants `45nm`: an estimate, not a measurement. */
  energy_uj: {
    /** The model itself. */
    spiking: number;
    /** A BERT of the same shape in 8 bits, and in 32. */
    int8_teacher: number;
    fp32_teacher: number;
    /** The quantised network that carries the same counts as values; `phased` alone. */
    quantized: number | null;
  };
}

export interface Answer {
  /** The class; null where the model gives a score. */
  label: string | null;
  /** Its probability, or the score. */
  score: number;
  /** Every class, in the model's order; empty where the model gives a score. */
  scores: { label: string; score: number }[];
  /** Tokens read, frame included. */
  tokens: number;
  /** Whether the text was longer than the model reads. */
  truncated: boolean;
  /** Time steps taken. */
  steps: number;
  /** The classifier's outputs, to the bit, if asked for. */
  logits?: number[];
  /** What it took, if asked for. */
  cost?: Cost;
}

export interface EmbedOptions extends AskOptions {
  /** Whether vectors have length 1; as the model has them unless given. */
  normalize?: boolean;
  /** How many of a vector's first values are told; all unless given. */
  dimensions?: number;
}

export type Dynamics = "phased" | "accumulated" | "instantaneous";

export interface TraceOptions extends AskOptions {
  /** `T`; 64 unless given. */
  timesteps?: number;
  /** `accumulated` unless given. */
  dynamics?: Dynamics;
  /** Neurons of each population that are told of, the first ones; 256 unless given. */
  neurons?: number;
  /** A token, 0 being `[CLS]`, whose spikes are told step by step. */
  token?: number;
  /** A population whose membranes are told too, at that token. */
  population?: string;
  /** Whether the cost is counted too. */
  cost?: boolean;
}

export interface PopulationTrace {
  name: string;
  /** Neurons of a token. */
  neurons: number;
  /** Theta, the firing threshold. */
  threshold: number;
  /** Spikes of either sign, over all tokens and steps. */
  spikes: number;
  /** Of each token: spikes a neuron and step. */
  rates: number[];
  /** After each step: spikes a neuron and step up to there. */
  rates_in_time: number[];
  /** `[tokens][neurons told]`: net count of each neuron. */
  counts: number[][];
  /** `[neurons told][steps]`: -1, 0 or 1, at the token asked for. */
  trains?: number[][];
  /** `[neurons told][steps]`: potential after each step's spike, in units of the threshold. */
  membranes?: number[][];
}

export interface Trace {
  tokens: string[];
  truncated: boolean;
  dynamics: Dynamics;
  steps: number;
  /** Whether neurons fire -1 too. */
  signed: boolean;
  /** After the last step. */
  answer: Answer;
  /** Of `phased` with as many steps. */
  phased: Answer;
  populations: PopulationTrace[];
  /** `[T][classes]`; null for `phased`, which answers at its end alone. */
  per_step_answers: number[][] | null;
  /** What this simulation took, if asked for. */
  cost?: Cost;
}

/** Digests of logits and of spike counts: 16 hexadecimal digits each. */
export interface Fingerprint {
  logits: string;
  counts: string;
}

export class Model {
  private constructor();
  readonly task: string;
  /** Classes in the order of answers; null where the model gives a score. */
  readonly labels: string[] | null;
  readonly regression: boolean;
  /** Whether it gives vectors: it answers `embed`, any other `classify`. */
  readonly embedding: boolean;
  /** Whether it takes pairs of texts. */
  readonly pair: boolean;
  readonly layers: number;
  readonly width: number;
  readonly steps: number;
  readonly dynamics: Dynamics;
  /** Bits of a weight: 1, 1.58 or 32. */
  readonly weight_bits: number;
  /** Tokens that it reads of a text. */
  readonly max_length: number;
  /** Of the packed file. */
  readonly bytes: number;
  /** Of the packed file; null on a page that is neither https nor localhost. */
  readonly sha256: string | null;
  /** Whether it came from the cache. */
  readonly cached: boolean;
  /** Instructions of its products: `relaxed-simd`, `simd128` or `scalar`. */
  readonly kernels: string;

  classify(input: Input, options?: ClassifyOptions): Promise<Answer>;
  classify(inputs: readonly Input[], options?: ClassifyOptions): Promise<Answer[]>;
  /** The vector of a text, or vectors of a list of them, in order; of a model that embeds. */
  embed(input: string, options?: EmbedOptions): Promise<Float32Array>;
  embed(inputs: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Answers to a stream of texts, in order, as they are known. */
  classifyStream(
    inputs: AsyncIterable<Input> | Iterable<Input>,
    options?: ClassifyOptions & { batch?: number },
  ): AsyncGenerator<Answer, void, undefined>;
  /** Every population's spikes on the way of one text through the model. */
  trace(input: Input, options?: TraceOptions): Promise<Trace>;
  /** What one text takes: spikes, operations, energy. */
  cost(input: Input, options?: AskOptions): Promise<Cost>;
  /** Digests that are equal on every machine that computes the same bits. */
  fingerprint(inputs: readonly Input[], options?: AskOptions): Promise<Fingerprint>;
  /** Ends the worker and gives its memory back. */
  close(): void;
}

/** Reads a packed model and makes it ready to answer. */
export function load(source: Source, options?: LoadOptions): Promise<Model>;

/** Which build of the engine this host gets. */
export function build(simd?: LoadOptions["simd"]): "relaxed" | "simd128";

/** Forgets every model that was kept. */
export function clearCache(): Promise<boolean>;

export type ErrorCode =
  | "network"
  | "http"
  | "content_type"
  | "hash"
  | "model"
  | "validation"
  | "memory"
  | "unsupported"
  | "closed"
  | "internal";

export class BitspikeError extends Error {
  readonly code: ErrorCode;
  /** The input or option at fault, such as `inputs[2]`. */
  readonly field: string | null;
  /** What the host answered, of `http`. */
  readonly status: number | null;
}
