// Planar flows: x + û tanh(w·x + c) (Rezende and Mohamed 2015, section 4.1 and appendix A.1).
import type { Builder, Value } from "../ir/graph.ts";
import { defineFlow, type FlowTensors, random, zeros } from "./define.ts";

/** Halvings of the interval that holds a root: 2^-60 of its width is left. */
const HALVINGS = 60;

export const planar = defineFlow({
  name: "planar",
  doc: "Each layer pushes along one direction by how far along another a point lies: x + u tanh(w·x + c). Few parameters; the inverse is found by bisection.",
  reads: [],
  layer(size, context) {
    // ŵ·u = m(w·u) > -1 keeps it invertible:  û = u + (m(w·u) - w·u) w / ‖w‖²,  m(t) = log(1 + e^t) - 1.
    const parts = (b: Builder, t: FlowTensors, given?: Value): { w: Value; push: Value; along: Value; offset: Value } => {
      const moved = given && t.context ? b.matmul(given, t.context) : undefined;
      const part = (v: Value, from: number, length: number): Value => (moved ? b.add(v, b.slice(moved, 0, from, length)) : v);
      const u = part(t.u, 0, size);
      const w = part(t.w, size, size);
      const offset = b.reshape(part(t.offset, 2 * size, 1), []);
      const product = b.sum(b.mul(w, u));
      const along = b.sub(b.softplus(product), b.constant(1));
      const norm = b.max(b.sum(b.square(w)), b.constant(1e-12));
      return { w, push: b.add(u, b.mul(b.div(b.sub(along, product), norm), w)), along, offset };
    };
    const logSlope = (b: Builder, along: Value, height: Value): Value =>
      b.log1p(b.mul(along, b.sub(b.constant(1), b.square(height))));
    return {
      tensors: [
        random("u", [size], 0.1),
        random("w", [size], 1 / Math.sqrt(size)),
        zeros("offset", [1]),
        ...(context > 0 ? [random("context", [context, 2 * size + 1], 0.01)] : []),
      ],
      forward(b, x, t, given) {
        const { w, push, along, offset } = parts(b, t, given);
        const height = b.tanh(b.add(b.sum(b.mul(w, x)), offset));
        return { to: b.add(x, b.mul(push, height)), logDet: logSlope(b, along, height) };
      },
      inverse(b, y, t, given) {
        const { w, push, along, offset } = parts(b, t, given);
        const root = solve(b, b.sum(b.mul(w, y)), along, offset);
        const height = b.tanh(b.add(root, offset));
        return { to: b.sub(y, b.mul(push, height)), logDet: b.neg(logSlope(b, along, height)) };
      },
    };
  },
});

/** The s with s + a tanh(s + c) = to, which grows with s since a > -1. Bisection, of which no derivative is taken, then one step of Newton's
 *  method, which has the derivatives of the root. */
function solve(b: Builder, to: Value, a: Value, c: Value): Value {
  const value = (s: Value): Value => b.sub(b.add(s, b.mul(a, b.tanh(b.add(s, c)))), to);
  const width = b.add(b.abs(a), b.constant(1e-6));
  let [low, high] = [b.sub(to, width), b.add(to, width)];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = b.mul(b.constant(0.5), b.add(low, high));
    const isAbove = b.gt(value(middle), b.constant(0));
    [low, high] = [b.select(isAbove, low, middle), b.select(isAbove, middle, high)];
  }
  const near = b.stopGradient(b.mul(b.constant(0.5), b.add(low, high)));
  const slope = b.add(b.constant(1), b.mul(a, b.sub(b.constant(1), b.square(b.tanh(b.add(near, c))))));
  return b.sub(near, b.div(value(near), slope));
}
