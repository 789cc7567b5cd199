// The thread on which a model runs in Node.

import { parentPort } from "node:worker_threads";

import { answering } from "./port.js";

const answer = answering();
parentPort.on("message", (message) => parentPort.postMessage(...answer(message)));
