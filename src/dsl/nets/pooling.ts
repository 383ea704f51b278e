// Layers that make images smaller: one element for each square of them.
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { windowsAlong } from "../../runtime/ir/primitives/convolution-windows.ts";
import { constantDimension, constantOfDimension, formatSize, type Size } from "../dimensions.ts";
import { type Arguments, defineNet, type LayerRecord } from "./define.ts";

const countIn = (length: number, size: number): number => windowsAlong(length, size, size, "valid").count;

/** Squares in an axis, what is left over at its end not counted. */
function squaresIn(args: Arguments, length: Size): Size | "none" {
  const [n, k] = [length, args.size("size")].map((d) => d && constantOfDimension(d));
  if (n === undefined || k === undefined) return undefined;
  const count = countIn(n, k);
  return count < 1 ? "none" : constantDimension(count);
}

function pooling(name: string, doc: string, join: (b: Builder, parts: readonly Value[]) => Value): LayerRecord {
  return defineNet({
    kind: "layer",
    name,
    doc,
    parameters: [{ name: "size", kind: "size", default: 2, doc: "height and width of the squares" }],
    example: `reshape([28, 28, 1]) |> conv2d(1, 8, 3) |> relu |> ${name}(2) |> flatten |> linear(1568, 10)`,
    takes: () => [undefined, undefined, undefined],
    gives(args, [height, width, channels]) {
      const [rows, columns] = [squaresIn(args, height), squaresIn(args, width)];
      if (rows === "none" || columns === "none")
        return {
          problem: `a square ${formatSize(args.size("size"))} wide does not fit into ${formatSize(height)} x ${formatSize(width)}`,
        };
      return [rows, columns, channels];
    },
    apply(b, x, { arguments: args, lead }) {
      const size = args.known("size");
      const [height, width] = shapeOf(x).slice(lead);
      const taps = Array.from({ length: size * size }, (_, tap) => {
        const lines = b.slice(x, lead, Math.floor(tap / size), countIn(height, size), size);
        return b.slice(lines, lead + 1, tap % size, countIn(width, size), size);
      });
      return join(b, taps);
    },
    transparent: true,
  });
}

export const maxpool = pooling("maxpool", "The largest element of each square of an image, channel by channel.", (b, parts) =>
  parts.reduce((m, x) => b.max(m, x)),
);
export const avgpool = pooling("avgpool", "The mean of each square of an image, channel by channel.", (b, parts) =>
  b.mul(
    parts.reduce((s, x) => b.add(s, x)),
    b.constant(1 / parts.length),
  ),
);
