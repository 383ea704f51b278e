// Normalisation of each example by itself.
import { shapeOf } from "../../runtime/ir/graph.ts";
import { positive } from "../ranges.ts";
import { defineNet } from "./define.ts";
import { filled } from "./initial.ts";

/** Ba, Kiros and Hinton 2016, "Layer normalization", eq. 4: along the last axis, h = g (x - mean) / sqrt(variance + ε) + b. */
export const layernorm = defineNet({
  kind: "layer",
  name: "layernorm",
  doc: "Each example less its mean, over its standard deviation, along the last axis; then scaled and shifted by learnt vectors.",
  parameters: [{ name: "epsilon", kind: "number", default: 1e-5, range: positive, doc: "added to the variance" }],
  example: "linear(784, 200) |> layernorm |> relu |> linear(200, 10)",
  least: 1,
  tensors(_args, example) {
    const last = example.slice(-1);
    return [filled("scale", last, 1), filled("shift", last, 0)];
  },
  apply(b, x, { arguments: args, tensors: { scale, shift } }) {
    const shape = shapeOf(x);
    const axis = shape.length - 1;
    const kept = shape.map((n, i) => (i === axis ? 1 : n));
    const share = b.constant(1 / shape[axis]);
    const mean = b.reshape(b.mul(b.sum(x, [axis]), share), kept);
    const centred = b.sub(x, mean);
    const variance = b.reshape(b.mul(b.sum(b.square(centred), [axis]), share), kept);
    const standard = b.div(centred, b.sqrt(b.add(variance, b.constant(args.known("epsilon")))));
    return b.add(b.mul(standard, scale), shift);
  },
  transparent: true,
});
