// Coupling flows: half of the numbers, as they are, say what becomes of the others (Dinh, Sohl-Dickstein and Bengio 2017).
import type { Builder, Value } from "../ir/graph.ts";
import { defineFlow, type FlowTensor, type FlowTensors, random, zeros } from "./define.ts";
import { bounded } from "./iaf.ts";

/** 1 where a number is left as it is: every other one, those between in the next layer; of a single number none. */
export const resting = (size: number, at: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => Number(size > 1 && (i + at) % 2 === 0));

/** A network with one hidden layer of the numbers that rest and the context: `outs` outputs for each number. */
export function fromResting(size: number, context: number, hidden: number, outs: number, at: number) {
  const mask = resting(size, at);
  const width = 1 / Math.sqrt(size + context);
  const tensors: FlowTensor[] = [
    random("in", [size + context, hidden], width),
    zeros("hidden", [hidden]),
    random("out", [hidden, size * outs], 0.01 / Math.sqrt(hidden)),
    zeros("past", [size + context, size * outs]),
    zeros("bias", [size * outs]),
  ];
  return {
    tensors,
    mask,
    /** [size, outs] */
    apply(b: Builder, x: Value, t: FlowTensors, given?: Value): Value {
      const seen = b.mul(x, b.tensor(mask, [size]));
      const all = given ? b.concat([seen, given], 0) : seen;
      const inside = b.matmul(b.tanh(b.add(b.matmul(all, t.in), t.hidden)), t.out);
      return b.reshape(b.add(b.add(inside, b.matmul(all, t.past)), t.bias), [size, outs]);
    },
  };
}

export const coupling = defineFlow({
  name: "coupling",
  doc: "Every other number is scaled and shifted by networks of those between, which take their turn in the next layer (RealNVP). Draws and densities of given vectors take one pass a layer.",
  reads: ["hidden"],
  layer(size, context, at, { hidden }) {
    const network = fromResting(size, context, hidden, 2, at);
    const moves = network.mask.map((x) => 1 - x);
    const parts = (b: Builder, x: Value, t: FlowTensors, given?: Value): { shift: Value; log: Value } => {
      const both = network.apply(b, x, t, given);
      const mask = b.tensor(moves, [size]);
      const part = (k: number): Value => b.reshape(b.slice(both, 1, k, 1), [size]);
      return { shift: b.mul(mask, part(0)), log: b.mul(mask, bounded(b, part(1))) };
    };
    return {
      tensors: network.tensors,
      forward(b, x, t, given) {
        const { shift, log } = parts(b, x, t, given);
        return { to: b.add(b.mul(x, b.exp(log)), shift), logDet: b.sum(log) };
      },
      inverse(b, y, t, given) {
        // What rests is the same in y.
        const { shift, log } = parts(b, y, t, given);
        return { to: b.mul(b.sub(y, shift), b.exp(b.neg(log))), logDet: b.neg(b.sum(log)) };
      },
    };
  },
});
