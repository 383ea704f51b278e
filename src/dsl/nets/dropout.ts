// Noise in training: dropout.
import { range } from "../ranges.ts";
import { defineNet } from "./define.ts";

/** Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, "Dropout", §10: scaled in training, so that nothing is done afterwards. */
export const dropout = defineNet({
  kind: "layer",
  name: "dropout",
  doc: "In training each element is 0 with probability p, and else divided by 1 - p; in evaluation the elements are what they are.",
  parameters: [
    {
      name: "p",
      kind: "number",
      default: 0.5,
      range: range(0, 1, { upper: true }),
      doc: "the share of elements that is dropped",
    },
  ],
  example: "linear(784, 200) |> relu |> dropout(0.2) |> linear(200, 10)",
  apply(b, x, { arguments: args, noise }) {
    const p = args.known("p");
    if (!noise || p === 0) return x;
    const kept = b.ge(noise("uniform"), b.constant(p));
    return b.select(kept, b.mul(x, b.constant(1 / (1 - p))), b.constant(0));
  },
  transparent: true,
});
