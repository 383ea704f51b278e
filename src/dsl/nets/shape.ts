// Layers that lay out anew what they are given.
import { shapeOf } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import {
  compareDimensions,
  type Dimension,
  formatSymbolicShape,
  one,
  type Size,
  type SymbolicShape,
  times,
} from "../dimensions.ts";
import { defineNet, knownShape } from "./define.ts";

function total(shape: SymbolicShape): Size {
  return shape.every((d): d is Dimension => d !== undefined) ? shape.reduce(times, one) : undefined;
}

export const flatten = defineNet({
  kind: "layer",
  name: "flatten",
  doc: "All elements of an example as one vector, row by row.",
  parameters: [],
  example: "conv2d(1, 8, 3) |> relu |> flatten |> linear(6272, 10)",
  gives: (_args, example) => [total(example)],
  apply(b, x, { lead }) {
    const shape = shapeOf(x);
    return b.reshape(x, [...shape.slice(0, lead), sizeOf(shape.slice(lead))]);
  },
  transparent: true,
});

export const reshape = defineNet({
  kind: "layer",
  name: "reshape",
  doc: "The elements of a vector as an array of the given sizes, filled row by row.",
  parameters: [{ name: "sizes", kind: "sizes", doc: "the shape of the result" }],
  example: "reshape([28, 28, 1]) |> conv2d(1, 8, 3)",
  takes: (args) => [args.sizes("sizes") && total(args.sizes("sizes") as SymbolicShape)],
  gives(args, example) {
    const sizes = args.sizes("sizes");
    const [before, after] = [total(example), sizes && total(sizes)];
    if (sizes && before && after && compareDimensions(before, after) === "different")
      return { problem: `the elements of ${formatSymbolicShape(example)} do not fill ${formatSymbolicShape(sizes)}` };
    return sizes;
  },
  apply(b, x, { lead, arguments: args }) {
    return b.reshape(x, [...shapeOf(x).slice(0, lead), ...knownShape(args.sizes("sizes") ?? [])]);
  },
  transparent: true,
});
