// Cumulative sums along the last axis, from either end, in the order of the reference: the same bits.
import type { Node } from "../../ir/graph.ts";
import { sizeOf } from "../../ir/type.ts";
import { f64, i32 } from "../module.ts";
import type { Routine } from "./index.ts";
import { plus, word } from "./vectors.ts";

export const cumsum: Routine = {
  name: "cumsum",
  scratch: () => 0,
  emit(f, { node, inputs: [a], results: [out] }) {
    const { reverse } = (node as Node<{ readonly reverse: boolean }>).attrs;
    const bytes = a.shape[a.shape.length - 1] * word;
    const total = f.local("f64");
    if (bytes === 0) return;
    f.for(0, sizeOf(a.shape) * word, bytes, (row) => {
      f.set(total, f64.const(0));
      f.for(0, bytes, word, (step) => {
        const at = f.let(reverse ? i32.sub(plus(row, bytes - word), step) : i32.add(row, step));
        f.set(total, f64.add(total, f64.load(at, a.offset)));
        f.store(at, total, out.offset);
      });
    });
  },
};
