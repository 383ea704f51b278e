// Makers of the `tfjs` lines of the records: what most primitives say of themselves to TensorFlow.js in one line.
import type { Comparison, Reduction, Tensor, TensorOps, TfjsRule } from "../../tfjs/tensor-ops.ts";
import { constantOf, type Node, type Value } from "../graph.ts";
import type { DType } from "../type.ts";

/** A rule that reads no attributes is one for all. */
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
export type AnyRule = TfjsRule<any>;

/** Written with the operations at hand; null: not possible here, the host computes it. */
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
export function written<A = any>(write: (t: TensorOps, xs: readonly Tensor[], node: Node<A>) => Tensor | null): TfjsRule<A> {
  return {
    kind: "tensors",
    lower(t, xs, node) {
      const result = write(t, xs, node);
      return result === null ? t.host(node, xs) : [result];
    },
  };
}

/** In float64 on the host: what no kernel does, or none well enough. */
export const hosted: AnyRule = { kind: "tensors", lower: (t, xs, node) => t.host(node, xs) };

const resultType = (node: Node): DType => node.results[0].dtype;
const cast = (t: TensorOps, xs: readonly Tensor[], to: DType): Tensor[] => xs.map((x) => t.cast(x, to));

/** A function of one real. */
export const unary = (kernel: string): AnyRule =>
  written((t, [x]) => (t.has(kernel) ? t.unary(kernel, t.cast(x, "real")) : null));
/** As the math library calls it: log1p is Log1p. */
export const libraryKernel = (name: string): AnyRule => unary(name[0].toUpperCase() + name.slice(1));

/** Arithmetic on one or two operands of the result's type. Of integers only where all kernels are right for them. */
export const arithmeticKernel = (kernel: string, integers: "integers" | "reals" = "reals"): AnyRule =>
  written((t, xs, node) => {
    const to = resultType(node);
    if (!t.has(kernel) || (to !== "real" && integers === "reals")) return null;
    const [x, y] = cast(t, xs, to);
    return y === undefined ? t.unary(kernel, x) : t.binary(kernel, x, y);
  });
/** Integers are whole already. */
export const rounded = (round: (t: TensorOps, x: Tensor) => Tensor | null): AnyRule =>
  written((t, [x], node) => (resultType(node) === "real" ? round(t, t.cast(x, "real")) : t.cast(x, "int")));

/** Of two reals. */
export const binaryReals = (write: (t: TensorOps, x: Tensor, y: Tensor) => Tensor | null): AnyRule =>
  written((t, xs, node) => {
    const [x, y] = cast(t, xs, "real");
    return resultType(node) === "real" ? write(t, x, y) : null;
  });

export const comparisonKernel = (kernel: Comparison): AnyRule =>
  written((t, xs) => {
    const [x, y] = cast(t, xs, xs.some((v) => v.dtype === "real") ? "real" : "int");
    return t.compare(kernel, x, y);
  });
export const logicKernel = (kernel: "LogicalAnd" | "LogicalOr"): AnyRule =>
  written((t, [x, y]) => t.logic(kernel, t.truth(x), t.truth(y)));

export const reductionKernel = (kernel: Reduction, integers: "integers" | "reals" = "reals") =>
  written<{ readonly axes: readonly number[] }>((t, [x], node) => {
    const to = resultType(node);
    return !t.has(kernel) || (to !== "real" && integers === "reals") ? null : t.reduce(kernel, t.cast(x, to), node.attrs.axes);
  });

/** The smaller or larger of two, NaN where one is. */
export function extremumKernel(kernel: "Minimum" | "Maximum"): AnyRule {
  const comparison = kernel === "Minimum" ? "Less" : "Greater";
  return written((t, xs, node) => {
    if (resultType(node) !== "real") return null;
    const [x, y] = cast(t, xs, "real");
    if (t.has(kernel)) return t.binary(kernel, x, y);
    // No comparison holds of NaN: what may be NaN is taken where none holds.
    if (isNumber(node.inputs[0])) return t.select(t.compare(comparison, x, y), x, y);
    const first = t.compare(comparison, y, x);
    if (isNumber(node.inputs[1])) return t.select(first, y, x);
    return t.select(t.logic("LogicalOr", first, t.compare("NotEqual", y, y)), y, x);
  });
}
/** Known, and not NaN. */
const isNumber = (v: Value): boolean => constantOf(v)?.every((x: number) => !Number.isNaN(x)) ?? false;
