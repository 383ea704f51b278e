// Code of a scatter. Where neighbouring elements go to the same place, each addition would wait for the last one to leave memory: then
// they are spread over several copies of the result, which are summed at the end. The order is fixed, and with it every bit.
import { constantOf, shapeOf } from "../ir/graph.ts";
import { sizeOf } from "../ir/type.ts";
import { type Access, vectorAt } from "./access.ts";
import type { Op, Scope } from "./dataflow.ts";
import { fill } from "./fill.ts";
import type { GroupContext } from "./generate.ts";
import { flatten, type Index } from "./indices.ts";
import { i32 } from "./instructions.ts";
import { align, type Home } from "./memory.ts";
import type { ScatterSink } from "./plan.ts";
import type { Statement } from "./statements.ts";

export const COPIES = 4;

/** Constant indices of which many equal one of the two before, and many more elements than places. */
export function clashes({ index, operand, value }: ScatterSink): boolean {
  const places = constantOf(index);
  if (places === null || shapeOf(index).length !== 1 || shapeOf(operand).length !== 1) return false;
  if (places.length < 8 * sizeOf(shapeOf(value)) || places.length < 64) return false;
  let equal = 0;
  for (let i = 2; i < places.length; i++) if (places[i] === places[i - 1] || places[i] === places[i - 2]) equal++;
  return 4 * equal > places.length;
}
/** Bytes from one copy to the next. */
export const copyBytes = ({ value }: ScatterSink): number => align(8 * sizeOf(shapeOf(value)));

export class Scatter {
  private readonly context: GroupContext;
  private readonly sink: ScatterSink;
  private readonly homes: readonly Home[];
  private readonly used = new Set<number>([0]);

  constructor(context: GroupContext, sink: ScatterSink) {
    this.context = context;
    this.sink = sink;
    const home = context.homeOf(sink.value);
    const spare = context.layout.spare.get(sink);
    const step = copyBytes(sink);
    this.homes =
      spare === undefined
        ? [home]
        : Array.from({ length: COPIES }, (_, k): Home => (k === 0 ? home : { offset: spare + (k - 1) * step, element: "f64" }));
  }
  get isSpread(): boolean {
    return this.homes.length > 1;
  }
  /** Adds x at one point; `nth` of several side by side. */
  add(index: readonly Index[], x: Op<"v128">, access: Access, nth: number, single: boolean, scope: Scope): Statement[] {
    const { index: places, attrs, value } = this.sink;
    const rank = shapeOf(places).length;
    const row = access.walk!.dynamic(places, index.slice(0, rank), attrs.size);
    const position = flatten([...index.slice(0, attrs.batch), row, ...index.slice(rank)], shapeOf(value));
    const { w } = this.context;
    const first = (2 * nth) % this.homes.length;
    const second = (2 * nth + 1) % this.homes.length;
    this.used.add(first);
    if (!single) this.used.add(second);
    return access.accumulate([this.homes[first], this.homes[second]], position, x, (acc, y) => w.add(acc, y), single, scope);
  }
  /** Before the nest, asked for when its code has been made. */
  begin(): Statement[] {
    const { w, f } = this.context;
    return [...this.used].sort().flatMap((k) => fill(w, f, this.homes[k], shapeOf(this.sink.value), 0));
  }
  /** After it. */
  end(): Statement[] {
    const copies = this.homes.filter((_, k) => k > 0 && this.used.has(k));
    return copies.length === 0 ? [] : sumUp(this.context, this.homes[0], copies, sizeOf(shapeOf(this.sink.value)));
  }
}

/** home += Σ copies, of `size` elements. */
function sumUp({ w, f }: GroupContext, home: Home, copies: readonly Home[], size: number): Statement[] {
  const { graph } = w;
  const at = (address: Op<"i32">, offset: number, scope: Scope, single: boolean): Statement => {
    const load = ({ offset: base }: Home): Op<"v128"> =>
      graph.momentary("v128", [address], vectorAt("load", base + offset, single), scope);
    const total = copies.map(load).reduce((sum, x) => w.number(w.add(sum, x)), load(home));
    return { kind: "store", address, value: total, suffix: vectorAt("store", home.offset + offset, single) };
  };
  const out: Statement[] = [];
  if (size > 1) {
    const scope = graph.scope(graph.root);
    const counter = f.local("i32");
    const body = [at(graph.local(counter, scope), 0, scope, false)];
    out.push({ kind: "loop", scope, counter, from: 0, to: 8 * (size - (size % 2)), step: 16, body });
  }
  if (size % 2 === 1) out.push(at(graph.expression(i32.const(0)), 8 * (size - 1), graph.root, true));
  return out;
}
