// Layers of images: convolutions, and transposed ones that make images larger.
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Padding, windowsAlong } from "../../runtime/ir/primitives/convolution-windows.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import { constantDimension, constantOfDimension, formatSize, isOne, minus, one, plus, type Size, times } from "../dimensions.ts";
import { type Arguments, defineNet, knownShape, type NetParameter, type NetTensor } from "./define.ts";
import { filled, weights } from "./initial.ts";

const parameters: readonly NetParameter[] = [
  { name: "in", kind: "size", doc: "how many channels come in" },
  { name: "out", kind: "size", doc: "how many go out" },
  { name: "kernel", kind: "size", doc: "height and width of the windows" },
  { name: "stride", kind: "size", default: 1, doc: "steps from window to window" },
  {
    name: "padding",
    kind: "word",
    default: "same",
    words: ["same", "valid"],
    doc: '"same": zeros around the image, so that with stride 1 its size is kept; "valid": windows lie inside',
  },
  { name: "bias", kind: "flag", default: true, doc: "whether a number is added to each channel" },
];
const paddingOf = (args: Arguments): Padding => (args.word("padding") === "valid" ? "valid" : "same");

function tensorsOf(args: Arguments, channels: (into: number, out: number) => readonly [number, number]): NetTensor[] {
  const [kernel, into, out] = ["kernel", "in", "out"].map((name) => args.known(name));
  const area = kernel * kernel;
  const weight = weights("weight", [kernel, kernel, ...channels(into, out)], { in: area * into, out: area * out });
  return args.flag("bias") ? [weight, filled("bias", [out], 0)] : [weight];
}

/** All images of x [lead…, height, width, channels] as one batch, through f, and apart again. */
function onImages(b: Builder, x: Value, lead: number, f: (images: Value) => Value): Value {
  const shape = shapeOf(x);
  const front = shape.slice(0, lead);
  const images = f(b.reshape(x, [sizeOf(front), ...shape.slice(lead)]));
  return b.reshape(images, [...front, ...shapeOf(images).slice(1)]);
}
const biased = (b: Builder, x: Value, bias: Value | undefined): Value => (bias ? b.add(x, bias) : x);
const windowAttrs = (args: Arguments) => ({
  stride: [args.known("stride"), args.known("stride")] as const,
  padding: paddingOf(args),
});

/** Number of windows along an axis, where it can be told. */
function windowsIn(args: Arguments, length: Size): Size | "none" {
  const stride = args.size("stride");
  if (length && stride && isOne(stride) && paddingOf(args) === "same") return length;
  const kernel = args.size("kernel");
  const [n, k, s] = [length, kernel, stride].map((d) => d && constantOfDimension(d));
  if (n === undefined || k === undefined || s === undefined) return undefined;
  const { count } = windowsAlong(n, k, s, paddingOf(args));
  return count < 1 ? "none" : constantDimension(count);
}

export const conv2d = defineNet({
  kind: "layer",
  name: "conv2d",
  doc: "A convolution over images [height, width, channels]: each window of them times a weight [kernel, kernel, in, out].",
  parameters,
  example: "reshape([28, 28, 1]) |> conv2d(1, 16, 3, stride = 2) |> relu |> flatten |> linear(3136, 40)",
  takes: (args) => [undefined, undefined, args.size("in")],
  gives(args, [height, width]) {
    const [rows, columns] = [windowsIn(args, height), windowsIn(args, width)];
    if (rows === "none" || columns === "none")
      return {
        problem: `a window ${formatSize(args.size("kernel"))} wide does not fit into ${formatSize(height)} x ${formatSize(width)}`,
      };
    return [rows, columns, args.size("out")];
  },
  tensors: (args) => tensorsOf(args, (into, out) => [into, out]),
  apply(b, x, { arguments: args, lead, tensors: { weight, bias } }) {
    return biased(
      b,
      onImages(b, x, lead, (images) => b.convolve(images, weight, windowAttrs(args))),
      bias,
    );
  },
});

/** Size of the image of which `length` windows are: stride times as many, or, "valid", as far as the last window reaches. */
function imageFor(args: Arguments, length: Size): Size {
  const [stride, kernel] = [args.size("stride"), args.size("kernel")];
  if (!length || !stride || !kernel) return undefined;
  return paddingOf(args) === "same" ? times(length, stride) : plus(times(minus(length, one), stride), kernel);
}

/** Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", ch. 4. */
export const convTranspose2d = defineNet({
  kind: "layer",
  name: "convTranspose2d",
  doc: "A transposed convolution: each element of an image [height, width, channels] is spread over a window, so that with stride 2 the image becomes twice as large. The weight is [kernel, kernel, out, in].",
  parameters,
  example:
    "linear(40, 1568) |> reshape([7, 7, 32]) |> convTranspose2d(32, 16, 3, stride = 2) |> relu |> convTranspose2d(16, 1, 3, stride = 2) |> flatten",
  takes: (args) => [undefined, undefined, args.size("in")],
  gives: (args, [height, width]) => [imageFor(args, height), imageFor(args, width), args.size("out")],
  tensors: (args) => tensorsOf(args, (into, out) => [out, into]),
  apply(b, x, { arguments: args, lead, tensors: { weight, bias } }) {
    const along = (n: number): number => knownShape([imageFor(args, constantDimension(n))])[0];
    const [height, width] = shapeOf(x).slice(lead);
    const image = [along(height), along(width)] as const;
    return biased(
      b,
      onImages(b, x, lead, (g) => b.convolveImage(g, weight, { ...windowAttrs(args), image })),
      bias,
    );
  },
});
