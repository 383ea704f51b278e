// The plan of a compiled program as text: its loop nests in order, what each does, and where results lie.
import type { Program } from "../backend.ts";
import type { Value } from "../ir/graph.ts";
import { formatType } from "../ir/type.ts";
import { generateWasm } from "./backend.ts";
import type { Sink } from "./plan.ts";

/** Values are named as printProgram names them in the program after expansion. */
export function printWasm(program: Program): string {
  const { bytes, memory, pages, layout, fusion } = generateWasm(program);
  const place = (v: Value): string => {
    const home = layout.homes.get(v) ?? layout.copies.get(v);
    return home === undefined ? "in registers" : `at ${home.offset}`;
  };
  const lines = [`module of ${bytes.length} bytes, ${memory.length} bytes of initial memory, ${pages} pages`];
  for (const i of layout.inputs) lines.push(`input ${i.name}: ${i.length} x ${i.type} at ${i.offset}`);
  for (const o of layout.outputs) lines.push(`output: ${o.length} x f64 at ${o.offset}`);
  for (const { nest, reports } of fusion.groups) {
    lines.push(nest.length === 0 ? "once" : `for ${nest.map((v) => v.size).join(" x ")}`);
    for (const { sink, space, cost } of reports) {
      if (layout.placed.has(sink)) continue;
      const axes = space.unrolled.length > 0 ? `, axes ${space.unrolled.join(", ")} written out` : "";
      lines.push(`  ${describe(sink)} ${place(sink.value)}${axes}${cost > 0 ? `, ${cost} flops a point` : ""}`);
    }
  }
  return lines.join("\n");
}

const nameOf = (v: Value): string => {
  const { op, id, results } = v.node;
  return `%${id}${results.length > 1 ? `.${v.index}` : ""} ${typeof op === "string" ? op : op.name} ${formatType(results[v.index])}`;
};

function describe(sink: Sink): string {
  switch (sink.kind) {
    case "store":
      return `store ${nameOf(sink.value)}`;
    case "piece":
      return `lay ${nameOf(sink.operand)} into ${nameOf(sink.value)}`;
    case "reduce":
      return `reduce ${nameOf(sink.operand)} to ${nameOf(sink.value)}`;
    case "scatter":
      return `scatter ${nameOf(sink.operand)} into ${nameOf(sink.value)}`;
    case "write":
      return `write ${nameOf(sink.operand)} into ${nameOf(sink.state)}`;
    case "routine":
      return `call ${nameOf(sink.value)}`;
  }
}
