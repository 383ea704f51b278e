// A sampling thread: sets up the compiled density, then runs the chains it is told to. Loads neither compiler nor parser.

import { InternalError } from "../runtime/errors.ts";
import { parentOfThread } from "../runtime/platform/threads.ts";
import { densityOf } from "../runtime/wasm/density.ts";
import { instantiate } from "../runtime/wasm/instantiate.ts";
import { type ChainOrder, chainContext, type WorkerData, type WorkerMessage } from "./chain-protocol.ts";
import type { Result } from "./engine.ts";
import { chainEngines } from "./engines/chain-engines.ts";

const parent = parentOfThread();
// The other side of the protocol, in run.ts, sends nothing else.
const { image, engine: name, options, seed, stop } = parent.data as WorkerData;
const engine = chainEngines.find((candidate) => candidate.name === name);
if (engine === undefined) throw new InternalError(`no chain engine named ${name} in a sampling thread`);
const density = densityOf(image.dimension, instantiate(image.density));
const send = (message: WorkerMessage, transfer: readonly ArrayBuffer[] = []): void => parent.send(message, transfer);

parent.onMessage((message) => {
  const order = message as ChainOrder;
  const context = chainContext(
    seed,
    order,
    () => Atomics.load(stop, 0) !== 0,
    (at) => send({ type: "progress", at }),
  );
  const run = engine.run(density, options, context);
  let step = run.next();
  while (!step.done) step = run.next();
  send({ type: "done", chain: order.chain, result: step.value }, buffersOf(step.value));
});
send({ type: "ready" });

/** Draws are handed over, not copied. */
function buffersOf({ chain }: Result): ArrayBuffer[] {
  const arrays = chain === undefined ? [] : [chain.positions, ...Object.values(chain.stats)];
  return arrays.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}
