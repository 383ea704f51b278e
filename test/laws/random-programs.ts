// Random well-typed programs over all primitives, for laws about passes and backends. They shrink: a program is a list of steps, and
// any list of steps makes a program.
import fc from "fast-check";
import type { Program } from "../../src/runtime/backend.ts";
import { ShapeError } from "../../src/runtime/errors.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import type { Primitive } from "../../src/runtime/ir/primitive.ts";
import { primitives } from "../../src/runtime/ir/primitives/index.ts";
import { broadcastShapes, real, type Shape, sameShape, sizeOf, type TensorType } from "../../src/runtime/ir/type.ts";

/** Which operation, which of its probes, and which earlier values it reads; numbers are taken modulo what there is. */
export interface Step {
  readonly kind: "probe" | "arithmetic" | "reduction";
  readonly op: number;
  readonly probe: number;
  readonly operands: readonly number[];
}
export interface RandomProgram {
  readonly builder: Builder;
  readonly program: Program;
  /** Values for its inputs, by name. */
  readonly inputs: Readonly<Record<string, Float64Array>>;
  /** The scalar whose gradient by `wrt` the program computes. */
  readonly total: Value;
  readonly wrt: readonly Value[];
}

/** Lists of steps, to be built with buildRandomProgram; a failure prints and shrinks as plain data. */
export const randomSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step["kind"]>("probe", "probe", "arithmetic", "reduction"),
    op: fc.nat(9999),
    probe: fc.nat(9999),
    operands: fc.array(fc.nat(9999), { minLength: 4, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 12 },
);

const takesReals = (op: Primitive, inputs: number): boolean => {
  try {
    op.type(new Array<TensorType>(inputs).fill(real()), null);
    return true;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
};
/** What holds its arguments constant has no slope that differences could show. */
const probed = primitives
  .filter((op) => !op.heldConstant)
  .map((op) => ({ op, probes: op.probes.filter((p) => !p.singular) }))
  .filter(({ probes }) => probes.length > 0);
/** Defined for all numbers, so that any two values can be combined. */
const everywhere = primitives.filter(
  (op) => op.elementwise && op.probes[0].inputs.length === 2 && (op.commutative || op.finiteDerivative) && takesReals(op, 2),
);
const reductions = primitives.filter((op) => op.wasm.kind === "reduce");

class Draft {
  readonly b: Builder;
  readonly inputs: Record<string, Float64Array> = {};
  readonly declared: Value[] = [];
  readonly values: Value[] = [];
  /** Inputs that are no integers. */
  readonly wrt: Value[] = [];
  /** By their place in `values`: what is one value to a builder that simplifies may be two to another. */
  readonly read = new Set<number>();

  constructor(b: Builder) {
    this.b = b;
  }
  input(type: TensorType, values: ArrayLike<number>, exact = type.dtype !== "real"): Value {
    const name = `in${this.declared.length}`;
    this.inputs[name] = Float64Array.from(values);
    const v = this.b.input(name, type);
    this.declared.push(v);
    if (!exact) this.wrt.push(v);
    return v;
  }
  pick(n: number): Value {
    const at = n % this.values.length;
    this.read.add(at);
    return this.values[at];
  }
}

/** Its outputs: what no step read, a weighted sum over that, and the sum's gradient by the real inputs. */
export function buildRandomProgram(steps: readonly Step[], builder = createBuilder()): RandomProgram {
  const draft = new Draft(builder);
  const { b, declared, values, wrt } = draft;
  const wave = (n: number, rate: number): number[] =>
    Array.from({ length: n }, (_, i) => 1.3 * Math.sin(rate * i + 0.4) + 0.07 * i);
  const shapes: Shape[] = [[], [7], [3, 4], [13]];
  values.push(...shapes.map((shape, i) => draft.input(real(shape), wave(sizeOf(shape), 1.7 + 0.3 * i))));
  for (const step of steps) values.push(...build(draft, step));
  const ends = values.filter((_, at) => !draft.read.has(at));
  const sum = ends
    .map((v, i) => b.sum(b.mul(b.constant(0.7 + 0.3 * i), bounded(b, v))))
    .reduce((s, v) => b.add(s, v), b.constant(0));
  return {
    builder: b,
    program: { inputs: declared, outputs: [...ends, sum, ...gradient(b, sum, wrt)], updates: [] },
    inputs: draft.inputs,
    total: sum,
    wrt,
  };
}

function build(draft: Draft, { kind, op, probe, operands }: Step): readonly Value[] {
  const { b } = draft;
  switch (kind) {
    case "probe": {
      const { op: primitive, probes } = probed[op % probed.length];
      const { inputs, attrs } = probes[probe % probes.length];
      // Reals of which an operation makes integers are integers in value, and stay so.
      const exact = primitive
        .type(
          inputs.map(({ type }) => type),
          attrs,
        )
        .some(({ dtype }) => dtype === "int");
      const arguments_ = inputs.map(({ type, values }, i) => near(draft, type, values, operands[i % operands.length], exact));
      return b.apply(primitive, arguments_, attrs);
    }
    case "arithmetic": {
      const [x, y] = [draft.pick(operands[0]), bounded(b, draft.pick(operands[1]))];
      return b.apply(everywhere[op % everywhere.length], [x, fits(x, y) ? y : adapt(b, y, shapeOf(x))], null);
    }
    case "reduction": {
      const x = bounded(b, draft.pick(operands[0]));
      const rank = shapeOf(x).length;
      const axes = rank === 0 ? [] : operands[1] % 3 === 0 ? shapeOf(x).map((_, i) => i) : [operands[1] % rank];
      return b.apply(reductions[op % reductions.length], [x], { axes });
    }
  }
}

/** An argument like a probe's: integers and truth values are its own, known or not; reals are moved a little by an earlier value. */
function near(draft: Draft, type: TensorType, values: readonly number[], operand: number, exact: boolean): Value {
  const { b } = draft;
  const own =
    (operand >> 4) % 2 === 0
      ? b.tensor(Float64Array.from(values), type.shape, type.dtype)
      : draft.input(type, values, exact || type.dtype !== "real");
  if (exact || type.dtype !== "real") return own;
  const moved = b.mul(b.constant(0.005), adapt(b, bounded(b, draft.pick(operand)), type.shape));
  return b.mul(own, b.add(b.constant(1), moved));
}

/** x / (1 + |x|), so that no chain of steps grows without limit. */
const bounded = (b: Builder, v: Value): Value => b.div(v, b.add(b.constant(1), b.abs(v)));

function fits(x: Value, y: Value): boolean {
  try {
    return sizeOf(broadcastShapes(shapeOf(x), shapeOf(y))) <= 4096;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}

/** The elements of v, cut off or repeated to fill the shape. */
function adapt(b: Builder, v: Value, shape: Shape): Value {
  if (sameShape(shapeOf(v), shape)) return v;
  const [has, needs] = [sizeOf(shapeOf(v)), sizeOf(shape)];
  const flat = b.reshape(v, [has]);
  const cut =
    has >= needs
      ? b.slice(flat, 0, has - needs, needs)
      : b.gather(
          flat,
          b.tensor(
            Int32Array.from({ length: needs }, (_, i) => i % has),
            [needs],
            "int",
          ),
        );
  return b.reshape(cut, shape);
}
