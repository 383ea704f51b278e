// Convolutions on TensorFlow: its own kernels, and products of matrices where the one in the kernel is missing.
import type { Tensor, TensorOps } from "../../tfjs/tensor-ops.ts";
import { shapeOf } from "../graph.ts";
import { sizeOf } from "../type.ts";
import { range } from "./axes.ts";
import type { ImageAttrs, KernelAttrs } from "./convolution.ts";
import { type WindowAttrs, type Windows, windowsOf } from "./convolution-windows.ts";
import { written } from "./tensor-rules.ts";

export const convolveRule = written<WindowAttrs>((t, [x, w], { attrs, inputs: [image, kernel], results: [{ shape }] }) => {
  if (!t.has("Conv2D")) return null;
  const windows = windowsOf("convolve", shapeOf(image).slice(1), shapeOf(kernel), attrs);
  // Where the windows end before the image does, tfjs-wasm counts fewer than no zeros.
  const endsEarly = ({ length, size, stride, count }: Windows): boolean => (count - 1) * stride + size < length;
  return attrs.padding === "same" && windows.some(endsEarly)
    ? t.convolve("Conv2D", padded(t, x, windows), w, { ...attrs, padding: "valid" }, shape)
    : t.convolve("Conv2D", x, w, attrs, shape);
});

export const convolveImageRule = written<ImageAttrs>((t, [g, w], { attrs, results: [{ shape }] }) =>
  t.has("Conv2DBackpropInput") ? t.convolve("Conv2DBackpropInput", w, g, attrs, shape) : null,
);

export const convolveKernelRule = written<KernelAttrs>((t, [x, g], { attrs, inputs, results: [{ shape }] }) => {
  if (t.has("Conv2DBackpropFilter")) return t.convolve("Conv2DBackpropFilter", x, g, attrs, shape);
  const windows = windowsOf("convolveKernel", shapeOf(inputs[0]).slice(1), attrs.kernel, attrs);
  const columns = unfold(t, x, windows);
  const rows = sizeOf(g.shape.slice(0, 3));
  const flat = (v: Tensor): Tensor => t.reshape(v, [rows, v.shape[3]]);
  return t.reshape(t.matMul(flat(columns), flat(g), true, false), shape);
});

/** x [B, H, W, C] with the zeros around it that its windows reach into. */
const padded = (t: TensorOps, x: Tensor, windows: readonly [Windows, Windows]): Tensor =>
  windows.reduce((v, { length, size, stride, count, before }, k) => {
    const needed = Math.max(before + length, (count - 1) * stride + size);
    return t.pad(v, k + 1, before, needed - before - length);
  }, x);

/** Windows of x [B, H, W, C] laid out, [B, p, q, kh·kw·C]. */
function unfold(t: TensorOps, x: Tensor, windows: readonly [Windows, Windows]): Tensor {
  const image = padded(t, x, windows);
  const [rows, across] = windows;
  return t.concat(
    range(0, rows.size).flatMap((i) => {
      const lines = t.slice(image, 1, i, rows.count, rows.stride);
      return range(0, across.size).map((j) => t.slice(lines, 2, j, across.count, across.stride));
    }),
    3,
  );
}
