// Normalisation by the mean and variance of the rows at hand.
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { positive, range } from "../ranges.ts";
import { defineNet } from "./define.ts";
import { filled } from "./initial.ts";

/** Over all axes but the last. */
function meanOf(b: Builder, x: Value): Value {
  const shape = shapeOf(x);
  const axes = shape.slice(0, -1).map((_, k) => k);
  const count = axes.reduce((n, k) => n * shape[k], 1);
  return b.mul(b.sum(x, axes), b.constant(1 / count));
}
const varianceOf = (b: Builder, x: Value): Value => meanOf(b, b.square(b.sub(x, meanOf(b, x))));

/** Ioffe and Szegedy 2015, "Batch normalization", alg. 1 and 2; of images each channel over all of its places (§3.2). The statistics that hold after
 *  training are running means of those of the batches. */
export const batchnorm = defineNet({
  kind: "layer",
  name: "batchnorm",
  doc: "Each element (of images, each channel) less its mean over the rows at hand, over their standard deviation; then scaled and shifted by learnt vectors. After training, running means of mean and variance stand in their place.",
  parameters: [
    {
      name: "momentum",
      kind: "number",
      default: 0.99,
      range: range(0, 1, { upper: true }),
      doc: "what a step keeps of the running means",
    },
    { name: "epsilon", kind: "number", default: 1e-5, range: positive, doc: "added to the variance" },
  ],
  example: "linear(784, 200) |> batchnorm |> relu |> linear(200, 10)",
  least: 1,
  acrossRows: true,
  tensors(args, example) {
    const last = example.slice(-1);
    const kept = args.known("momentum");
    const average = (b: Builder, x: Value, batch: Value): Value =>
      b.add(b.mul(b.constant(kept), x), b.mul(b.constant(1 - kept), batch));
    return [
      filled("scale", last, 1),
      filled("shift", last, 0),
      { ...filled("mean", last, 0), running: average },
      // Unconstrained, its logarithm.
      { ...filled("variance", last, 0), positive: true, running: (b, u, batch) => b.log(average(b, b.exp(u), batch)) },
    ];
  },
  apply(b, x, { arguments: args, tensors, statistic }) {
    const mean = statistic ? statistic("mean", meanOf) : tensors.mean;
    const variance = statistic ? statistic("variance", varianceOf) : tensors.variance;
    const deviation = b.sqrt(b.add(variance, b.constant(args.known("epsilon"))));
    return b.add(b.mul(b.div(b.sub(x, mean), deviation), tensors.scale), tensors.shift);
  },
  transparent: true,
});
