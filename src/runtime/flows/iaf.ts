// Inverse autoregressive flows (Kingma et al. 2016): y_i = x_i exp(a_i(x_<i)) + m_i(x_<i), by masked networks (Germain et al. 2015).
import { type Builder, shapeOf, type Value } from "../ir/graph.ts";
import { defineFlow, type FlowTensor, type FlowTensors, random, zeros } from "./define.ts";

/** Largest |a|, smoothly: e^3 is twenty-fold. */
const MOST = 3;
export const bounded = (b: Builder, a: Value): Value => b.mul(b.constant(MOST), b.tanh(b.mul(b.constant(1 / MOST), a)));

/** A network with one hidden layer and weights past it, whose outputs, `outs` for each number, see the numbers of lower rank and all of the context. */
export function autoregressive(size: number, context: number, hidden: number, outs: number, rank: (i: number) => number) {
  // A hidden unit of degree d sees the numbers of rank below d, and is seen by those of rank d and more.
  const degree = (h: number): number => (size > 1 ? 1 + (h % (size - 1)) : 0);
  const table = (rows: number, columns: number, isOn: (i: number, j: number) => boolean): Float64Array =>
    Float64Array.from({ length: rows * columns }, (_, k) => Number(isOn(Math.floor(k / columns), k % columns)));
  const masks = {
    in: table(size, hidden, (i, h) => rank(i) < degree(h)),
    out: table(hidden, size * outs, (h, k) => degree(h) <= rank(Math.floor(k / outs))),
    past: table(size, size * outs, (i, k) => rank(i) < rank(Math.floor(k / outs))),
  };
  const width = 1 / Math.sqrt(size + context);
  const tensors: FlowTensor[] = [
    random("in", [size, hidden], width),
    zeros("hidden", [hidden]),
    random("out", [hidden, size * outs], 0.01 / Math.sqrt(hidden)),
    zeros("past", [size, size * outs]),
    zeros("bias", [size * outs]),
    ...(context > 0 ? [random("contextIn", [context, hidden], width), zeros("contextPast", [context, size * outs])] : []),
  ];
  return {
    tensors,
    /** [size, outs] */
    apply(b: Builder, x: Value, t: FlowTensors, given?: Value): Value {
      const masked = (v: Value, mask: Float64Array): Value => b.mul(v, b.tensor(mask, shapeOf(v)));
      const follow = (v: Value, name: string): Value => (given ? b.add(v, b.matmul(given, t[name])) : v);
      const before = follow(b.add(b.matmul(x, masked(t.in, masks.in)), t.hidden), "contextIn");
      const inside = b.matmul(b.tanh(before), masked(t.out, masks.out));
      const past = follow(b.add(b.matmul(x, masked(t.past, masks.past)), t.bias), "contextPast");
      return b.reshape(b.add(inside, past), [size, outs]);
    },
  };
}

export const iaf = defineFlow({
  name: "iaf",
  doc: "Each number is scaled and shifted by networks of the numbers before it, in the opposite order in the next layer. Draws take one pass a layer, densities of given vectors as many passes as there are numbers.",
  reads: ["hidden"],
  layer(size, context, at, { hidden }) {
    const network = autoregressive(size, context, hidden, 2, (i) => (at % 2 === 0 ? i : size - 1 - i));
    const parts = (b: Builder, x: Value, t: FlowTensors, given?: Value): { shift: Value; log: Value } => {
      const both = network.apply(b, x, t, given);
      const part = (k: number): Value => b.reshape(b.slice(both, 1, k, 1), [size]);
      return { shift: part(0), log: bounded(b, part(1)) };
    };
    return {
      tensors: network.tensors,
      forward(b, x, t, given) {
        const { shift, log } = parts(b, x, t, given);
        return { to: b.add(b.mul(x, b.exp(log)), shift), logDet: b.sum(log) };
      },
      inverse(b, y, t, given) {
        // After k passes the numbers of rank below k are right, and with them what those of rank k depend on.
        let x = y;
        let logDet: Value = b.constant(0);
        for (let pass = 0; pass < size; pass++) {
          const { shift, log } = parts(b, x, t, given);
          x = b.mul(b.sub(y, shift), b.exp(b.neg(log)));
          logDet = b.neg(b.sum(log));
        }
        return { to: x, logDet };
      },
    };
  },
});
