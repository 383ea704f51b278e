// The windows of a convolution over images: where they lie, and convolutions written with slices and products of matrices.
import { ShapeError } from "../../errors.ts";
import { type Builder, shapeOf, type Value } from "../graph.ts";
import { formatShape, type Shape, type TensorType } from "../type.ts";
import { range } from "./axes.ts";

/** TensorFlow's two ways to pad. `same`: with zeros, so that there are ⌈n / stride⌉ windows, the odd zero behind; `valid`: not at all. */
export type Padding = "same" | "valid";
export interface WindowAttrs {
  /** Steps from window to window along height and width. */
  readonly stride: readonly [number, number];
  readonly padding: Padding;
}
/** Along one axis: `count` windows of `size` elements, `stride` apart, the first of which begins `before` elements ahead of the axis. */
export interface Windows {
  readonly length: number;
  readonly size: number;
  readonly stride: number;
  readonly count: number;
  readonly before: number;
}

export function windowsAlong(length: number, size: number, stride: number, padding: Padding): Windows {
  const count = padding === "same" ? Math.ceil(length / stride) : Math.floor((length - size) / stride) + 1;
  const missing = padding === "same" ? Math.max(0, (count - 1) * stride + size - length) : 0;
  return { length, size, stride, count, before: Math.floor(missing / 2) };
}

/** Height and width. Throws ShapeError. */
export function windowsOf(
  name: string,
  image: Shape,
  kernel: Shape,
  { stride, padding }: WindowAttrs,
): readonly [Windows, Windows] {
  const along = (axis: 0 | 1): Windows => windowsAlong(image[axis], kernel[axis], stride[axis], padding);
  const both = [along(0), along(1)] as const;
  if (both.some((w) => w.count < 1 || w.stride < 1 || !Number.isInteger(w.stride)))
    throw new ShapeError(
      `${name}: a kernel ${kernel.slice(0, 2).join(" x ")} does not fit into ${image.slice(0, 2).join(" x ")}`,
    );
  return both;
}

export function checkRank(name: string, x: TensorType, rank: number): void {
  if (x.shape.length !== rank || x.dtype !== "real")
    throw new ShapeError(`${name} needs real tensors of ${rank} axes, not ${x.dtype}${formatShape(x.shape)}`);
}

/** Whether every element lies in some window: the others take no part. */
export const coversAll = ({ length, size, stride, count, before }: Windows): boolean =>
  size >= stride && (count - 1) * stride + size - before >= length;

/** Calls f for each window and each of its elements that lies inside the image. */
export function eachTap(
  [rows, columns]: readonly [Windows, Windows],
  f: (window: readonly [number, number], tap: readonly [number, number], at: readonly [number, number]) => void,
): void {
  for (let p = 0; p < rows.count; p++)
    for (let i = 0; i < rows.size; i++) {
      const y = p * rows.stride - rows.before + i;
      if (y < 0 || y >= rows.length) continue;
      for (let q = 0; q < columns.count; q++)
        for (let j = 0; j < columns.size; j++) {
          const x = q * columns.stride - columns.before + j;
          if (x >= 0 && x < columns.length) f([p, q], [i, j], [y, x]);
        }
    }
}

const taps = ([rows, columns]: readonly [Windows, Windows]): (readonly [number, number])[] =>
  range(0, rows.size).flatMap((i) => range(0, columns.size).map((j) => [i, j] as const));

/** x [B, H, W, C] to its windows laid out, [B, p, q, kh·kw·C]. */
export function unfold(b: Builder, x: Value, windows: readonly [Windows, Windows]): Value {
  const padded = windows.reduce((v, { length, size, stride, count, before }, k) => {
    const needed = Math.max(before + length, (count - 1) * stride + size);
    return needed === length ? v : b.assemble([v], k + 1, [before], needed);
  }, x);
  const [rows, columns] = windows;
  const pieces = taps(windows).map(([i, j]) =>
    b.slice(b.slice(padded, 1, i, rows.count, rows.stride), 2, j, columns.count, columns.stride),
  );
  return pieces.length === 1 ? pieces[0] : b.concat(pieces, 3);
}

/** The adjoint of unfold: each window's elements added where they came from, [B, p, q, kh·kw·C] to [B, H, W, C]. Along the width, then along
 *  the height: kh + kw sums in place of kh · kw. */
export function fold(b: Builder, columns: Value, [rows, across]: readonly [Windows, Windows], channels: number): Value {
  const [batch, p, q] = shapeOf(columns);
  const width = foldAxis(b, b.reshape(columns, [batch, p, q, rows.size, across.size, channels]), 2, 4, across);
  return foldAxis(b, width, 1, 3, rows);
}

/** Windows counted by `axis`, their elements by `tap`, which goes. */
function foldAxis(b: Builder, v: Value, axis: number, tap: number, windows: Windows): Value {
  const without = shapeOf(v).filter((_, k) => k !== tap);
  const pieces = range(0, windows.size).map((i) => spread(b, b.reshape(b.slice(v, tap, i, 1), without), axis, windows, i));
  const sum = pieces.reduce((s, piece) => b.add(s, piece));
  return b.slice(sum, axis, windows.before, windows.length);
}

/** Elements of an axis laid `stride` apart from an offset on, with room for all of the axis. */
function spread(b: Builder, v: Value, axis: number, { length, size, stride, count, before }: Windows, offset: number): Value {
  const shape = shapeOf(v);
  const at = (middle: readonly number[]): number[] => [...shape.slice(0, axis), ...middle, ...shape.slice(axis + 1)];
  const apart =
    stride === 1 ? v : b.reshape(b.assemble([b.reshape(v, at([count, 1]))], axis + 1, [0], stride), at([count * stride]));
  return b.assemble([apart], axis, [offset], Math.max(before + length, size - 1 + count * stride));
}
