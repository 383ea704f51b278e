// A function of one event, over all batch axes of its arguments: what makes plates of vectors and matrices.
import { vectorize } from "../../runtime/ir/batch.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { dtypeOf, shapeOf } from "../../runtime/ir/graph.ts";
import { broadcastShapes, sameShape, sizeOf } from "../../runtime/ir/type.ts";

/** Applies f to arguments of shape [batch…, `rank` axes]; the batch axes broadcast and stand in front of the result.
 *  f is built once, on one event, and turned by `vectorize` into a program over the batch; what has no batch axis is not repeated. */
export function overEvents(
  b: Builder,
  args: readonly { readonly value: Value; readonly rank: number }[],
  f: (values: readonly Value[]) => Value,
): Value {
  const shapes = args.map((a) => shapeOf(a.value));
  const batches = args.map((a, i) => shapes[i].slice(0, shapes[i].length - a.rank));
  const batch = broadcastShapes(...batches);
  if (batch.length === 0) return f(args.map((a) => a.value));

  const size = sizeOf(batch);
  const replacements = new Map<Value, Value>();
  const events = args.map((a, i) => {
    if (batches[i].length === 0) return a.value;
    const event = shapes[i].slice(batches[i].length);
    // A name that no model can hold; the input is replaced below and reaches no program.
    const one = b.input(`(event ${i}: ${dtypeOf(a.value)}[${event}])`, { shape: event, dtype: dtypeOf(a.value) });
    const full = sameShape(batches[i], batch)
      ? a.value
      : b.broadcastTo(alignBatch(b, a.value, batches[i].length, batch.length), [...batch, ...event]);
    replacements.set(one, b.reshape(full, [size, ...event]));
    return one;
  });
  const root = f(events);
  const { values, batched } = vectorize(b, [root], replacements, size);
  return batched[0] ? b.reshape(values[0], [...batch, ...shapeOf(root)]) : b.broadcastTo(values[0], [...batch, ...shapeOf(root)]);
}

/** Batch axes aligned at their right end, ahead of the event's. */
function alignBatch(b: Builder, v: Value, have: number, want: number): Value {
  const shape = shapeOf(v);
  return have === want ? v : b.reshape(v, [...new Array<number>(want - have).fill(1), ...shape]);
}
