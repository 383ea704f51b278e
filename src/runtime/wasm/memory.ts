// Where everything lies in memory: inputs, outputs, temporaries that share space when their lives do not overlap, then constants.
import { callInputsOf, type ExecutableImage, type InputPlace, type Program, residentsOf } from "../backend.ts";
import { InternalError, UsageError } from "../errors.ts";
import { dtypeOf, type InputAttrs, type Node, shapeOf, type Value } from "../ir/graph.ts";
import type { AssembleAttrs } from "../ir/primitives/shape.ts";
import { sizeOf } from "../ir/type.ts";
import { underReshapes } from "./analyse.ts";
import type { Fusion } from "./fuse.ts";
import { isConstant } from "./indices.ts";
import { loopBody } from "./loop-body.ts";
import type { Sink } from "./plan.ts";
import { routines } from "./routines/index.ts";
import { COPIES, clashes, copyBytes } from "./scatters.ts";

export type Element = "f64" | "i32" | "u8";
/** A tensor in memory, row-major. */
export interface Home {
  /** Bytes from the start of memory. */
  readonly offset: number;
  readonly element: Element;
}
export interface Layout {
  readonly homes: ReadonlyMap<Value, Home>;
  /** Places of copies made for outputs alone. */
  readonly copies: ReadonlyMap<Value, Home>;
  /** Pieces that need no copying: their value lies in the assembly already. */
  readonly placed: ReadonlySet<Sink>;
  /** Copies of the results of scatters that would wait for themselves. */
  readonly spare: ReadonlyMap<Sink, number>;
  /** Scratch space of each routine call. */
  readonly scratch: ReadonlyMap<Node, number>;
  /** To be copied at the end: next values over the residents. */
  readonly updates: readonly { readonly from: number; readonly to: number; readonly bytes: number }[];
  readonly inputs: ExecutableImage["inputs"];
  readonly residents: ExecutableImage["residents"];
  readonly outputs: ExecutableImage["outputs"];
  readonly narrowed: ExecutableImage["narrowed"];
  /** First byte behind all this: constants go here. */
  readonly end: number;
}

export const elementOf = (v: Value): Element => (({ real: "f64", int: "i32", bool: "u8" }) as const)[dtypeOf(v)];
const bytesOf: Readonly<Record<Element, number>> = { f64: 8, i32: 4, u8: 1 };
export const align = (n: number): number => Math.ceil(n / 16) * 16;

/** Addresses and the counters of loops are signed 32-bit integers. */
const MOST_BYTES = 0x7fff0000;
const GIB = 0x40000000;
export function checkSize(bytes: number): void {
  if (bytes <= MOST_BYTES) return;
  const size = (bytes / GIB).toFixed(1);
  throw new UsageError(`the model with these data needs ${size} GiB of memory when compiled, and 2 GiB can be addressed`);
}

/** A stretch of memory and the groups between which it is in use. */
interface Region {
  readonly bytes: number;
  /** Null: forever. */
  life: { from: number; to: number } | null;
  offset: number;
}

/** From `start` on; `given`: inputs that lie elsewhere already. */
export function layOut(program: Program, fusion: Fusion, start = FIRST, given: ReadonlyMap<Value, Home> = new Map()): Layout {
  const { groups, inMemory } = fusion;
  let end = start;
  const take = (bytes: number): number => {
    const at = end;
    end = align(at + bytes);
    return at;
  };
  const homes = new Map<Value, Home>(given);
  const place = (v: Value): InputPlace => {
    const element = elementOf(v);
    const length = sizeOf(shapeOf(v));
    const offset = take(length * bytesOf[element]);
    homes.set(v, { offset, element });
    return { name: nameOf(v), offset, length, type: element };
  };
  const inputs = callInputsOf(program)
    .filter((v) => !given.has(v))
    .map(place);
  const residents = residentsOf(program).map(place);

  const copies = new Map<Value, Home>();
  const outputs = program.outputs.map((v) => {
    const known = inMemory(v) ? homes.get(v) : copies.get(v);
    const length = sizeOf(shapeOf(v));
    const home = known ?? { offset: take(length * 8), element: "f64" as const };
    (inMemory(v) ? homes : copies).set(v, home);
    return { offset: home.offset, length };
  });
  const updates: { from: number; to: number; bytes: number }[] = [];
  const narrowed: { resident: string; offset: number }[] = [];
  for (const [resident, next] of program.updates) {
    const bytes = 8 * sizeOf(shapeOf(resident));
    const known = inMemory(next) ? homes.get(next) : copies.get(next);
    const home = known ?? { offset: take(bytes), element: "f64" as const };
    (inMemory(next) ? homes : copies).set(next, home);
    const { offset: to, element } = homes.get(resident)!;
    if (element === "f64") updates.push({ from: home.offset, to, bytes });
    else narrowed.push({ resident: nameOf(resident), offset: home.offset });
  }

  // Temporaries: which values need memory, and which lie inside an assembly.
  const needed = valuesInMemory(fusion);
  const placed = new Set<Sink>();
  const inside = new Map<Value, { assembly: Value; offset: number }>();
  for (const sink of groups.flatMap((g) => g.reports.map((r) => r.sink))) {
    if (sink.kind !== "piece") continue;
    const base = underReshapes(sink.operand, inMemory);
    const shape = shapeOf(sink.operand);
    const contiguous = shape.slice(0, sink.axis).every((d) => d === 1);
    const free = needed.has(base) && !homes.has(base) && !inside.has(base) && sizeOf(shape) === sizeOf(shapeOf(base));
    if (!contiguous || !free || base === sink.value || isInside(sink.value, base, inside)) continue;
    inside.set(base, { assembly: sink.value, offset: 8 * sink.offset * sizeOf(shape.slice(sink.axis + 1)) });
    placed.add(sink);
  }
  const outermost = (v: Value): { root: Value; offset: number } => {
    const place = inside.get(v);
    if (place === undefined) return { root: v, offset: 0 };
    const outer = outermost(place.assembly);
    return { root: outer.root, offset: outer.offset + place.offset };
  };

  // An assembly may lie inside another one: the zeros of either are to last.
  const lasting = new Set([...needed].filter(hasGaps).map((v) => outermost(v).root));
  const regions = new Map<Value, Region>();
  const use = (v: Value, position: number): void => {
    const { root } = outermost(v);
    if (homes.has(root)) return;
    let region = regions.get(root);
    if (region === undefined) {
      const life = lasting.has(root) ? null : { from: position, to: position };
      regions.set(root, (region = { bytes: 8 * sizeOf(shapeOf(root)), life, offset: 0 }));
    } else if (region.life !== null) region.life.to = position;
  };
  const scratchRegions = new Map<Node, Region>();
  const spareRegions = new Map<Sink, Region>();
  groups.forEach(({ reports }, position) => {
    for (const { sink, reads } of reports) {
      for (const v of reads) if (needed.has(v)) use(v, position);
      if (sink.kind === "scatter" && clashes(sink)) {
        spareRegions.set(sink, { bytes: (COPIES - 1) * copyBytes(sink), life: { from: position, to: position }, offset: 0 });
      }
      if (sink.kind === "routine") {
        for (const v of sink.results) use(v, position);
        const { bytes, lasts } = scratchOf(sink.node);
        scratchRegions.set(sink.node, { bytes, life: lasts ? null : { from: position, to: position }, offset: 0 });
      } else if (needed.has(sink.value) && sink.kind !== "write" && !(sink.kind === "store" && sink.copy))
        use(sink.value, position);
    }
  });
  end = allocate([...regions.values(), ...scratchRegions.values(), ...spareRegions.values()], end);
  for (const v of needed) {
    if (homes.has(v)) continue;
    const { root, offset } = outermost(v);
    const base = homes.get(root)?.offset ?? regions.get(root)?.offset;
    if (base !== undefined) homes.set(v, { offset: base + offset, element: "f64" });
  }
  checkSize(end);
  const scratch = new Map([...scratchRegions].map(([node, region]) => [node, region.offset]));
  const spare = new Map([...spareRegions].map(([sink, region]) => [sink, region.offset]));
  return { homes, copies, placed, spare, scratch, updates, inputs, residents, outputs, narrowed, end };
}

/** Offset 0 stays unused, so that a stray address shows. */
const FIRST = 16;

/** What a call needs besides its operands and results; a loop's body counts on zeros that nobody else writes to. */
function scratchOf(node: Node): { readonly bytes: number; readonly lasts: boolean } {
  const body = loopBody(node);
  if (body === null) return { bytes: 8 * routineOf(node).scratch(node), lasts: false };
  const nowhere: Home = { offset: 0, element: "f64" };
  return { bytes: layOut(body.program, body.fusion, 0, new Map(body.given.map(([v]) => [v, nowhere]))).end, lasts: true };
}

const nameOf = (input: Value): string => (input.node.attrs as InputAttrs).name;

function isInside(v: Value, outer: Value, inside: ReadonlyMap<Value, { assembly: Value }>): boolean {
  for (let at: Value | undefined = v; at !== undefined; at = inside.get(at)?.assembly) if (at === outer) return true;
  return false;
}

export function routineOf(node: Node) {
  if (typeof node.op === "string") throw new InternalError("a leaf is no routine");
  const rule = node.op.wasm;
  if (rule.kind !== "routine" && rule.kind !== "contract") throw new InternalError(`${node.op.name} is no routine`);
  const routine = routines.get(rule.routine);
  if (routine === undefined) throw new InternalError(`there is no routine ${rule.routine}`);
  return routine;
}

/** Held values, less the results of reductions that are read at constant positions alone: these stay in registers. */
function valuesInMemory({ groups, inMemory }: Fusion): Set<Value> {
  const needed = new Set<Value>();
  const roots = new Map<Value, boolean>();
  for (const { reports } of groups) {
    for (const { sink, loads, variables, space } of reports) {
      for (const { value, at } of loads.values())
        if (inMemory(value) && (!isConstant(at) || sink.kind === "routine")) needed.add(value);
      if (sink.kind === "routine") for (const v of sink.results) needed.add(v);
      else if (sink.kind === "reduce") {
        const keepsLoops = space.loops.some((axis) => !sink.axes.includes(axis));
        roots.set(sink.value, keepsLoops && variables.length > 0);
      } else if (sink.kind !== "write" && (sink.kind !== "store" || !sink.copy)) needed.add(sink.value);
    }
  }
  for (const [v, keepsLoops] of roots) if (keepsLoops) needed.add(v);
  return needed;
}

/** Zeros between the pieces of an assembly come from the initial memory, which nobody overwrites. */
function hasGaps(v: Value): boolean {
  const { op, inputs, attrs } = v.node;
  if (typeof op === "string" || op.wasm.kind !== "assemble") return false;
  const { axis, size } = attrs as AssembleAttrs;
  return inputs.reduce((sum, piece) => sum + shapeOf(piece)[axis], 0) < size;
}

/** First fit in order of first use; returns the end of memory. */
function allocate(regions: readonly Region[], start: number): number {
  let end = start;
  for (const region of regions) {
    if (region.life !== null) continue;
    region.offset = end;
    end = align(end + region.bytes);
  }
  const base = end;
  const done: Region[] = [];
  for (const region of regions.filter((r) => r.life !== null).sort((a, b) => a.life!.from - b.life!.from || b.bytes - a.bytes)) {
    const meets = done.filter((r) => r.life!.from <= region.life!.to && region.life!.from <= r.life!.to);
    meets.sort((a, b) => a.offset - b.offset);
    let at = base;
    for (const other of meets) {
      if (at + region.bytes <= other.offset) break;
      at = Math.max(at, align(other.offset + other.bytes));
    }
    region.offset = at;
    end = Math.max(end, align(at + region.bytes));
    done.push(region);
  }
  return end;
}
