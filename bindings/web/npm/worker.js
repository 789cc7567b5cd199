// The thread on which a model runs in a browser.

import { answering } from "./port.js";

const answer = answering();
self.onmessage = ({ data }) => self.postMessage(...answer(data));
