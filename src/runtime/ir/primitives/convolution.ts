// Convolutions over images [batch, height, width, channels], as networks call them (correlations), with their two adjoints. Each is linear in
// both of its operands, and the derivatives of the three are the three.
import { ShapeError } from "../../errors.ts";
import { type Builder, shapeOf, type Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import type { RowsRule } from "../rows.ts";
import { real, type Shape, sizeOf, type TensorType } from "../type.ts";
import { moveAxis } from "./axes.ts";
import { checkRank, coversAll, eachTap, fold, unfold, type WindowAttrs, type Windows, windowsOf } from "./convolution-windows.ts";
import { convolveImageRule, convolveKernelRule, convolveRule } from "./tensor-convolution.ts";

/** The adjoint in the image has the image's height and width, which its operands do not tell. */
export interface ImageAttrs extends WindowAttrs {
  readonly image: readonly [number, number];
}
export interface KernelAttrs extends WindowAttrs {
  readonly kernel: readonly [number, number];
}

/** Rows of a result along its first or last axis are those of one operand. */
const rowsFrom =
  (table: Readonly<Record<number, readonly (number | null)[]>>) =>
  (_node: unknown, axis: number): RowsRule | null =>
    axis in table ? { inputs: table[axis] } : null;

/** A batch rule: one operand batched, its new axis joins one that the operation treats element by element, [first operand's, its place in the
 *  result] and the same of the second; both batched, one after the other. */
function batchBy<A>(
  record: () => Primitive<A>,
  joined: readonly [readonly [operand: number, result: number], readonly [operand: number, result: number]],
): Primitive<A>["batch"] {
  return (b, inputs, batched, attrs) => {
    const apply = (xs: readonly Value[]): Value => b.apply(record(), xs, attrs)[0];
    if (batched[0] && batched[1]) {
      const [copies] = shapeOf(inputs[0]);
      const one = (v: Value, k: number): Value => b.reshape(b.slice(v, 0, k, 1), shapeOf(v).slice(1));
      return [
        b.stack(
          Array.from({ length: copies }, (_, k) => apply(inputs.map((v) => one(v, k)))),
          0,
        ),
      ];
    }
    const which = batched[0] ? 0 : 1;
    const [from, to] = joined[which];
    const [copies] = shapeOf(inputs[which]);
    const merged = joinAxis(b, inputs[which], from);
    const result = apply(inputs.map((v, i) => (i === which ? merged : v)));
    return [splitAxis(b, result, to, copies)];
  };
}
/** Axis 0 moved in front of an axis of the rest, and the two made one. */
function joinAxis(b: Builder, v: Value, axis: number): Value {
  const rest = shapeOf(v).slice(1);
  const [copies] = shapeOf(v);
  return b.reshape(moveAxis(b, v, 0, axis), [...rest.slice(0, axis), copies * rest[axis], ...rest.slice(axis + 1)]);
}
/** Its inverse. */
function splitAxis(b: Builder, v: Value, axis: number, copies: number): Value {
  const shape = shapeOf(v);
  return moveAxis(b, b.reshape(v, [...shape.slice(0, axis), copies, shape[axis] / copies, ...shape.slice(axis + 1)]), axis, 0);
}

/** Σ over taps of a product of channels, for all windows and images: `accumulate` adds one product. */
function interpretTaps(
  windows: readonly [Windows, Windows],
  sizes: { readonly batch: number; readonly channels: number; readonly filters: number },
  accumulate: (image: number, kernel: number, window: number) => void,
): void {
  const [rows, columns] = windows;
  for (let n = 0; n < sizes.batch; n++)
    eachTap(windows, ([p, q], [i, j], [y, x]) => {
      const image = ((n * rows.length + y) * columns.length + x) * sizes.channels;
      const kernel = (i * columns.size + j) * sizes.channels * sizes.filters;
      const window = ((n * rows.count + p) * columns.count + q) * sizes.filters;
      for (let c = 0; c < sizes.channels; c++)
        for (let o = 0; o < sizes.filters; o++) accumulate(image + c, kernel + c * sizes.filters + o, window + o);
    });
}

const numbers = (n: number, phase: number): number[] =>
  Array.from({ length: n }, (_, i) => ((i * 37 + phase * 11) % 23) / 10 - 1.05 + i / 1000);
const probe = <A>(attrs: A, ...shapes: readonly Shape[]): Probe<A> => ({
  inputs: shapes.map((shape, k) => ({ type: real(shape), values: numbers(sizeOf(shape), k) })),
  attrs,
});
const same = { stride: [1, 1], padding: "same" } as const;
/** Of 4 x 5 under 3 x 2: an odd number of zeros, one more behind than before. */
const apart = { stride: [2, 2], padding: "same" } as const;
const valid = { stride: [2, 1], padding: "valid" } as const;
/** A stride beyond the kernel: elements that no window sees. */
const sparse = { stride: [3, 2], padding: "valid" } as const;
/** Of 6 x 5 under 1 x 2: likewise, the last of them behind all windows, beside a zero that is one's. */
const early = { stride: [4, 2], padding: "same" } as const;

/** y[n, p, q, o] = Σ_{i, j, c} x[n, p·s + i - before, q·s + j - before, c] w[i, j, c, o], x being 0 outside of the image.
 *  x [B, H, W, C], w [kh, kw, C, O]. */
export const convolve: Primitive<WindowAttrs> = {
  name: "convolve",
  type([x, w], attrs) {
    checkRank("convolve", x, 4);
    checkRank("convolve", w, 4);
    if (x.shape[3] !== w.shape[2])
      throw new ShapeError(`convolve: an image of ${x.shape[3]} channels and a kernel for ${w.shape[2]}`);
    const [rows, columns] = windowsOf("convolve", x.shape.slice(1), w.shape, attrs);
    return [real([x.shape[0], rows.count, columns.count, w.shape[3]])];
  },
  gradient(b, [ct], { inputs: [x, w], attrs }) {
    if (!ct) return [null, null];
    const [, height, width] = shapeOf(x);
    const [kh, kw] = shapeOf(w);
    return [
      b.apply(convolveImage, [ct, w], { ...attrs, image: [height, width] })[0],
      b.apply(convolveKernel, [x, ct], { ...attrs, kernel: [kh, kw] })[0],
    ];
  },
  batch: batchBy(
    () => convolve,
    [
      [0, 0],
      [3, 3],
    ],
  ),
  rows: rowsFrom({ 0: [0, null], 3: [null, 3] }),
  interpret([x, w], { inputs, results, attrs }) {
    const [image, kernel] = inputs.map(shapeOf);
    const y = new Float64Array(sizeOf(results[0].shape));
    const sizes = { batch: image[0], channels: kernel[2], filters: kernel[3] };
    interpretTaps(windowsOf("convolve", image.slice(1), kernel, attrs), sizes, (i, k, o) => {
      y[o] += x[i] * w[k];
    });
    return [y];
  },
  wasm: { kind: "expand", expand: (b, [x, w], attrs) => [convolved(b, x, w, attrs)] },
  tfjs: convolveRule,
  finiteDerivative: "of finite inputs",
  zeroCotangents: ({ inputs: [x, w], attrs }, input) =>
    input === 0 && !windowsOf("convolve", shapeOf(x).slice(1), shapeOf(w), attrs).every(coversAll),
  probes: [
    probe(same, [2, 4, 3, 2], [3, 3, 2, 2]),
    probe(apart, [1, 4, 5, 1], [3, 2, 1, 2]),
    probe(valid, [2, 5, 4, 2], [2, 3, 2, 1]),
    probe(sparse, [1, 6, 5, 1], [1, 2, 1, 1]),
    probe(early, [2, 6, 5, 1], [1, 2, 1, 2]),
  ],
};

/** The adjoint of convolve in its image: g [B, p, q, O], w [kh, kw, C, O] to [B, H, W, C]. What networks call a transposed convolution. */
export const convolveImage: Primitive<ImageAttrs> = {
  name: "convolveImage",
  type([g, w], attrs) {
    checkRank("convolveImage", g, 4);
    checkRank("convolveImage", w, 4);
    const [rows, columns] = windowsOf("convolveImage", attrs.image, w.shape, attrs);
    checkWindows("convolveImage", g, [rows, columns], w.shape[3]);
    return [real([g.shape[0], ...attrs.image, w.shape[2]])];
  },
  gradient(b, [ct], { inputs: [g, w], attrs }) {
    if (!ct) return [null, null];
    const { stride, padding } = attrs;
    const [kh, kw] = shapeOf(w);
    return [
      b.apply(convolve, [ct, w], { stride, padding })[0],
      b.apply(convolveKernel, [ct, g], { stride, padding, kernel: [kh, kw] })[0],
    ];
  },
  batch: batchBy(
    () => convolveImage,
    [
      [0, 0],
      [2, 3],
    ],
  ),
  rows: rowsFrom({ 0: [0, null], 3: [null, 2] }),
  interpret([g, w], { inputs, results, attrs }) {
    const [windows, kernel] = inputs.map(shapeOf);
    const x = new Float64Array(sizeOf(results[0].shape));
    const sizes = { batch: windows[0], channels: kernel[2], filters: kernel[3] };
    interpretTaps(windowsOf("convolveImage", attrs.image, kernel, attrs), sizes, (i, k, o) => {
      x[i] += g[o] * w[k];
    });
    return [x];
  },
  wasm: { kind: "expand", expand: (b, [g, w], attrs) => [folded(b, g, w, attrs)] },
  tfjs: convolveImageRule,
  finiteDerivative: "of finite inputs",
  probes: [
    probe({ ...same, image: [4, 3] }, [2, 4, 3, 2], [3, 3, 1, 2]),
    probe({ ...apart, image: [4, 5] }, [1, 2, 3, 2], [3, 2, 1, 2]),
    probe({ ...valid, image: [6, 4] }, [1, 3, 2, 1], [2, 3, 2, 1]),
    probe({ ...sparse, image: [6, 5] }, [1, 2, 2, 1], [1, 2, 1, 1]),
    probe({ ...early, image: [6, 5] }, [2, 2, 3, 2], [1, 2, 1, 2]),
  ],
};

/** The adjoint of convolve in its kernel: x [B, H, W, C], g [B, p, q, O] to [kh, kw, C, O]. */
export const convolveKernel: Primitive<KernelAttrs> = {
  name: "convolveKernel",
  type([x, g], attrs) {
    checkRank("convolveKernel", x, 4);
    checkRank("convolveKernel", g, 4);
    const windows = windowsOf("convolveKernel", x.shape.slice(1), attrs.kernel, attrs);
    checkWindows("convolveKernel", g, windows, g.shape[3]);
    if (x.shape[0] !== g.shape[0]) throw new ShapeError(`convolveKernel: ${x.shape[0]} images and ${g.shape[0]} cotangents`);
    return [real([...attrs.kernel, x.shape[3], g.shape[3]])];
  },
  gradient(b, [ct], { inputs: [x, g], attrs }) {
    if (!ct) return [null, null];
    const { stride, padding } = attrs;
    const [, height, width] = shapeOf(x);
    return [
      b.apply(convolveImage, [g, ct], { stride, padding, image: [height, width] })[0],
      b.apply(convolve, [x, ct], { stride, padding })[0],
    ];
  },
  batch: batchBy(
    () => convolveKernel,
    [
      [3, 2],
      [3, 3],
    ],
  ),
  rows: rowsFrom({ 2: [3, null], 3: [null, 3] }),
  interpret([x, g], { inputs, results, attrs }) {
    const [image, windows] = inputs.map(shapeOf);
    const w = new Float64Array(sizeOf(results[0].shape));
    const sizes = { batch: image[0], channels: image[3], filters: windows[3] };
    interpretTaps(windowsOf("convolveKernel", image.slice(1), attrs.kernel, attrs), sizes, (i, k, o) => {
      w[k] += x[i] * g[o];
    });
    return [w];
  },
  wasm: { kind: "expand", expand: (b, [x, g], attrs) => [correlated(b, x, g, attrs)] },
  tfjs: convolveKernelRule,
  finiteDerivative: "of finite inputs",
  zeroCotangents: ({ inputs: [x], attrs }, input) =>
    input === 0 && !windowsOf("convolveKernel", shapeOf(x).slice(1), attrs.kernel, attrs).every(coversAll),
  probes: [
    probe({ ...same, kernel: [3, 3] }, [2, 4, 3, 1], [2, 4, 3, 2]),
    probe({ ...apart, kernel: [3, 2] }, [1, 4, 5, 2], [1, 2, 3, 2]),
    probe({ ...valid, kernel: [2, 3] }, [2, 5, 4, 1], [2, 2, 2, 1]),
    probe({ ...sparse, kernel: [1, 2] }, [1, 6, 5, 1], [1, 2, 2, 1]),
    probe({ ...early, kernel: [1, 2] }, [2, 6, 5, 1], [2, 2, 3, 2]),
  ],
};

function checkWindows(name: string, g: TensorType, [rows, columns]: readonly [Windows, Windows], filters: number): void {
  if (g.shape[1] !== rows.count || g.shape[2] !== columns.count || g.shape[3] !== filters)
    throw new ShapeError(
      `${name}: [${g.shape.slice(1).join(", ")}] where there are ${rows.count} x ${columns.count} windows of ${filters} filters`,
    );
}

// ---------------------------------------------------------------- with products of matrices

/** A kernel [kh, kw, C, O] as a matrix [kh·kw·C, O]. */
function asMatrix(b: Builder, w: Value): Value {
  const [kh, kw, channels, filters] = shapeOf(w);
  return b.reshape(w, [kh * kw * channels, filters]);
}
function convolved(b: Builder, x: Value, w: Value, attrs: WindowAttrs): Value {
  const windows = windowsOf("convolve", shapeOf(x).slice(1), shapeOf(w), attrs);
  return b.dot(unfold(b, x, windows), asMatrix(b, w), { batch: 0, left: [3], right: [0] });
}
function folded(b: Builder, g: Value, w: Value, attrs: ImageAttrs): Value {
  const windows = windowsOf("convolveImage", attrs.image, shapeOf(w), attrs);
  return fold(b, b.dot(g, asMatrix(b, w), { batch: 0, left: [3], right: [1] }), windows, shapeOf(w)[2]);
}
function correlated(b: Builder, x: Value, g: Value, attrs: KernelAttrs): Value {
  const windows = windowsOf("convolveKernel", shapeOf(x).slice(1), attrs.kernel, attrs);
  const product = b.dot(unfold(b, x, windows), g, { batch: 0, left: [0, 1, 2], right: [0, 1, 2] });
  return b.reshape(product, [...attrs.kernel, shapeOf(x)[3], shapeOf(g)[3]]);
}
