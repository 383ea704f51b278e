// Setting a stretch of memory to one number before something is collected in it.
import { InternalError } from "../errors.ts";
import { type Shape, sizeOf } from "../ir/type.ts";
import { vectorAt } from "./access.ts";
import type { Op } from "./dataflow.ts";
import type { DataflowEmitter } from "./emitter.ts";
import { i32 } from "./instructions.ts";
import type { Home } from "./memory.ts";
import type { FunctionBuilder } from "./module.ts";
import type { Statement } from "./statements.ts";

/** Up to this many elements are stored one by one. */
const FEW = 32;

export function fill(w: DataflowEmitter, f: FunctionBuilder, home: Home, shape: Shape, value: number): Statement[] {
  if (home.element !== "f64") throw new InternalError("only real numbers are collected");
  const { graph } = w;
  const size = sizeOf(shape);
  if (value === 0 && size > FEW) return [{ kind: "zero", address: i32.const(home.offset), bytes: i32.const(8 * size) }];
  const x = w.constant(value);
  const pair = (address: Op<"i32">, at: number): Statement => ({
    kind: "store",
    address,
    value: x,
    suffix: vectorAt("store", home.offset + 8 * at, false),
  });
  const start = graph.expression(i32.const(0));
  const out: Statement[] = [];
  if (size > FEW) {
    const scope = graph.scope(graph.root);
    const counter = f.local("i32");
    out.push({
      kind: "loop",
      scope,
      counter,
      from: 0,
      to: 8 * (size - (size % 2)),
      step: 16,
      body: [pair(graph.local(counter, scope), 0)],
    });
  } else for (let i = 0; i + 1 < size; i += 2) out.push(pair(start, i));
  if (size % 2 === 1) {
    out.push({
      kind: "store",
      address: start,
      value: x,
      suffix: vectorAt("store", home.offset + 8 * (size - 1), true),
    });
  }
  return out;
}
