// What a flow is: an invertible function of a vector with the log of its Jacobian's determinant, as graphs (Rezende and Mohamed 2015).
import type { Builder, Value } from "../ir/graph.ts";
import type { Shape } from "../ir/type.ts";
import type { Rng } from "../numeric/rng.ts";

export interface FlowOptions {
  /** Layers one after the other. */
  readonly depth: number;
  /** Units of the hidden layer of each network. */
  readonly hidden: number;
  /** Pieces of each spline. */
  readonly bins: number;
}
/** A learnt array. */
export interface FlowTensor {
  readonly name: string;
  readonly shape: Shape;
  initial(rng: Rng): Float64Array;
}
export type FlowTensors = Readonly<Record<string, Value>>;
export interface Flowed {
  /** Where the vector goes: [size]. */
  readonly to: Value;
  /** log |det d to / d from|: a scalar. */
  readonly logDet: Value;
}
/** One layer: near the identity to begin with. */
export interface FlowLayer {
  readonly tensors: readonly FlowTensor[];
  /** x: [size]; context: [its size], where the layer has one. */
  forward(b: Builder, x: Value, tensors: FlowTensors, context?: Value): Flowed;
  inverse(b: Builder, y: Value, tensors: FlowTensors, context?: Value): Flowed;
}
/** A kind of flow. */
export interface FlowRecord {
  readonly name: string;
  /** A sentence or two for the reference page. */
  readonly doc: string;
  /** Which of the options it reads beside the depth. */
  readonly reads: readonly ("hidden" | "bins")[];
  /** Layer number `at`, from 0, of vectors of `size` numbers that follow `context` numbers; 0: none. */
  layer(size: number, context: number, at: number, options: FlowOptions): FlowLayer;
}
export const defineFlow = (f: FlowRecord): FlowRecord => f;

/** A flow of some size: its layers in a row. */
export interface Flow extends FlowLayer {}

export function flowOf(record: FlowRecord, size: number, context: number, options: FlowOptions): Flow {
  const layers = Array.from({ length: options.depth }, (_, at) => record.layer(size, context, at, options));
  const own = (tensors: FlowTensors, at: number): FlowTensors =>
    Object.fromEntries(layers[at].tensors.map((t) => [t.name, tensors[`${at + 1}.${t.name}`]]));
  const through = (b: Builder, x: Value, order: readonly number[], step: (at: number, v: Value) => Flowed): Flowed =>
    order.reduce<Flowed>(
      (sofar, at) => {
        const next = step(at, sofar.to);
        return { to: next.to, logDet: b.add(sofar.logDet, next.logDet) };
      },
      { to: x, logDet: b.constant(0) },
    );
  const forwards = layers.map((_, at) => at);
  return {
    tensors: layers.flatMap((layer, at) => layer.tensors.map((t) => ({ ...t, name: `${at + 1}.${t.name}` }))),
    forward: (b, x, tensors, context) => through(b, x, forwards, (at, v) => layers[at].forward(b, v, own(tensors, at), context)),
    inverse: (b, y, tensors, context) =>
      through(b, y, [...forwards].reverse(), (at, v) => layers[at].inverse(b, v, own(tensors, at), context)),
  };
}

export const zeros = (name: string, shape: Shape): FlowTensor => ({
  name,
  shape,
  initial: () => new Float64Array(shape.reduce((n, d) => n * d, 1)),
});
export const random = (name: string, shape: Shape, scale: number): FlowTensor => ({
  name,
  shape,
  initial(rng) {
    const out = new Float64Array(shape.reduce((n, d) => n * d, 1));
    rng.fillNormal(out);
    return out.map((x) => scale * x);
  },
});
