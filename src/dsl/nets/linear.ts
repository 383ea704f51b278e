// The affine layer, and networks of several.
import { shapeOf } from "../../runtime/ir/graph.ts";
import { Arguments, defineNet, type Layer, type RecordLayer } from "./define.ts";
import { filled, weights } from "./initial.ts";

const bias = { name: "bias", kind: "flag", default: true, doc: "whether a vector is added" } as const;

export const linear = defineNet({
  kind: "layer",
  name: "linear",
  doc: "x @ weight + bias: a vector of `in` numbers to one of `out`.",
  parameters: [
    { name: "in", kind: "size", doc: "how many numbers come in" },
    { name: "out", kind: "size", doc: "how many go out" },
    bias,
  ],
  example: "linear(784, 200)",
  takes: (args) => [args.size("in")],
  gives: (args) => [args.size("out")],
  tensors(args) {
    const [rows, columns] = [args.known("in"), args.known("out")];
    const weight = weights("weight", [rows, columns], { in: rows, out: columns });
    return args.flag("bias") ? [weight, filled("bias", [columns], 0)] : [weight];
  },
  apply(b, x, { tensors: { weight, bias } }) {
    const product = b.dot(x, weight, { batch: 0, left: [shapeOf(x).length - 1], right: [0] });
    return bias ? b.add(product, bias) : product;
  },
});

export const mlp = defineNet({
  kind: "composition",
  name: "mlp",
  doc: "A multi-layer perceptron: linear layers between the sizes in turn, with the activation between them and none after the last.",
  parameters: [
    { name: "sizes", kind: "sizes", doc: "how many numbers come in, how many each hidden layer has, how many go out" },
    { name: "activation", kind: "activation", default: "relu", doc: "what stands between the layers" },
    bias,
  ],
  example: "mlp([20, 500, 500, 784], relu)",
  layers(args, span) {
    const sizes = args.sizes("sizes");
    if (sizes === undefined) return undefined;
    if (sizes.length < 2) return { problem: "mlp needs at least two sizes: how many numbers come in, and how many go out" };
    return sizes.slice(1).flatMap((out, i): Layer[] => {
      const given = new Map<string, NonNullable<typeof out> | boolean | undefined>([
        ["in", sizes[i]],
        ["out", out],
        ["bias", args.flag("bias")],
      ]);
      const layer: RecordLayer = { kind: "record", record: linear, arguments: new Arguments(given), span };
      return i === 0 ? [layer] : [args.activation("activation"), layer];
    });
  },
});
