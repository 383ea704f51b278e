// Writes statements and the operations they need into a function: each operation once, before its first use, in its own loop.
import { InternalError, unreachable } from "../errors.ts";
import type { Block, Op, Scope } from "./dataflow.ts";
import { type I32, type Local, unsigned, type V128, type ValueType, v128 } from "./instructions.ts";
import type { Callable, FunctionBuilder } from "./module.ts";

export type Statement =
  | { readonly kind: "set"; readonly local: Local; readonly value: Op }
  /** `suffix`: the store instruction; operands: address, value. */
  | { readonly kind: "store"; readonly address: Op; readonly value: Op; readonly suffix: readonly number[] }
  /** Results go into locals. */
  | { readonly kind: "invoke"; readonly callee: Callable; readonly args: readonly Op[]; readonly results: readonly Local[] }
  /** memory.copy of bytes between fixed places. */
  | { readonly kind: "copy"; readonly to: I32; readonly from: I32; readonly bytes: I32 }
  | { readonly kind: "zero"; readonly address: I32; readonly bytes: I32 }
  /** for (counter = from; counter < to; counter += step): at least one trip, or, where a number that is found when running is to end it earlier,
   *  none. */
  | Loop;
export interface Loop {
  readonly kind: "loop";
  readonly scope: Scope;
  readonly counter: Local<"i32">;
  readonly from: number;
  readonly to: number;
  readonly until?: Op<"i32">;
  readonly step: number;
  readonly body: readonly Statement[];
}

/** Bytes of constants that are written anew at each use. */
const SHORT_CONSTANT = 6;
const hole: V128 = { type: "v128", code: [] };
const anyTrue = v128.anyTrue(hole).code;
const bitselect = v128.bitselect(hole, hole, hole).code;

/** Operands' depth up to which expressions nest on the stack; beyond it a local cuts them. */
const maxHeight = 40;

function rootsOf(s: Statement): readonly Op[] {
  switch (s.kind) {
    case "set":
      return [s.value];
    case "store":
      return [s.address, s.value];
    case "invoke":
      return s.args;
    case "copy":
    case "zero":
    case "loop":
      return [];
  }
}

/** Emits everything the function does, in one go; `results` are left on the stack. */
export function writeStatements(
  f: FunctionBuilder,
  statements: readonly Statement[],
  root: Scope,
  results: readonly Op[] = [],
): void {
  const writer = new StatementWriter(f, new Map(), new Map());
  writer.countUses(statements, results);
  writer.block(statements, root);
  writer.results(results, root);
}

/** The same for statements made for another function: operations that arguments hold, its locals as they are called here, and those
 *  that are the results. */
export interface Transplant {
  readonly held: ReadonlyMap<Op, Local>;
  readonly renamed: ReadonlyMap<number, Local>;
  readonly results: readonly Local[];
}
export function writeFunction(f: FunctionBuilder, statements: readonly Statement[], root: Scope, t: Transplant): void {
  const writer = new StatementWriter(f, t.held, t.renamed);
  writer.countUses(statements, []);
  writer.block(statements, root);
  for (const local of t.results) f.append(t.renamed.get(local.index)!.code);
}

class StatementWriter {
  private readonly f: FunctionBuilder;
  /** References that are still to be emitted. */
  private readonly uses = new Map<Op, number>();
  private readonly locals: Map<Op, Local>;
  private readonly names: ReadonlyMap<number, Local>;
  private readonly constants = new Map<Op, Local>();
  private readonly free: Record<ValueType, Local[]> = { i32: [], i64: [], f64: [], v128: [] };
  /** Operations of a scope whose last use lies in a loop inside it: their locals are released after that loop. */
  private readonly expiring = new Map<Scope, Op[]>();
  /** The block being written. */
  private inside: Block | null = null;

  constructor(f: FunctionBuilder, held: ReadonlyMap<Op, Local>, names: ReadonlyMap<number, Local>) {
    this.f = f;
    this.locals = new Map(held);
    this.names = names;
    for (const op of held.keys()) this.uses.set(op, Number.POSITIVE_INFINITY);
  }
  private renamed<T extends ValueType>(local: Local<T>): Local<T> {
    // Only ever mapped to a local of the same type.
    return (this.names.get(local.index) as Local<T> | undefined) ?? local;
  }

  countUses(statements: readonly Statement[], results: readonly Op[]): void {
    const stack: Op[] = [...results, ...allRoots(statements)];
    const seen = new Set<Op>();
    while (stack.length > 0) {
      const op = stack.pop()!;
      this.uses.set(op, (this.uses.get(op) ?? 0) + 1);
      if (seen.has(op) || this.locals.has(op)) continue;
      seen.add(op);
      for (const o of op.operands) stack.push(o);
    }
  }

  block(statements: readonly Statement[], scope: Scope): void {
    for (const s of statements) {
      if (s.kind === "loop") this.loop(s, scope);
      else this.simple(s, scope);
    }
  }

  results(ops: readonly Op[], scope: Scope): void {
    this.prepare(ops, scope, false);
    for (const op of ops) this.push(op, scope);
  }

  private simple(s: Exclude<Statement, { kind: "loop" }>, scope: Scope): void {
    this.prepare(rootsOf(s), scope, false);
    for (const op of rootsOf(s)) this.push(op, scope);
    switch (s.kind) {
      case "set":
        this.f.append([0x21], unsigned(this.renamed(s.local).index));
        break;
      case "store":
        this.f.append(s.suffix);
        break;
      case "invoke":
        this.f.append([0x10], unsigned(s.callee.index));
        for (const local of [...s.results].reverse()) this.f.append([0x21], unsigned(this.renamed(local).index));
        break;
      case "copy":
        this.f.copy(s.to, s.from, s.bytes);
        break;
      case "zero":
        this.f.zeroFill(s.address, s.bytes);
        break;
      default:
        unreachable(s, "statement");
    }
  }

  private loop(s: Loop, scope: Scope): void {
    this.prepare(allRoots([s]), scope, true);
    this.f.for(s.from, this.end(s, scope), s.step, () => this.block(s.body, s.scope), this.renamed(s.counter));
    for (const op of this.expiring.get(scope) ?? []) this.release(op);
    this.expiring.delete(scope);
  }

  private end({ to, until }: Loop, scope: Scope): number | I32 {
    if (until === undefined) return to;
    const limit = this.f.local("i32");
    this.push(until, scope);
    this.f.append([0x21], unsigned(limit.index));
    return limit;
  }

  /** Puts into locals what the roots need of this place: what several places use, what loops and blocks inside use, and what nests deeply. */
  private prepare(roots: readonly Op[], scope: Scope, inLoop: boolean): void {
    const here = (op: Op): boolean => op.block === this.inside && (op.block !== null || op.scope === scope);
    const needed: Op[] = [];
    const seen = new Set<Op>();
    const hoisted = new Set<Op>(inLoop ? roots : []);
    const stack = [...roots];
    while (stack.length > 0) {
      const op = stack.pop()!;
      if (op.leaf || seen.has(op) || this.locals.has(op)) continue;
      seen.add(op);
      const ours = here(op);
      if (ours) needed.push(op);
      for (const o of op.operands) {
        if (!ours) hoisted.add(o);
        stack.push(o);
      }
    }
    needed.sort((a, b) => a.id - b.id);
    for (const op of needed) {
      if (op.rare !== null) this.choose(op, scope);
      else if (this.uses.get(op)! > 1 || hoisted.has(op) || op.height % maxHeight === maxHeight - 1) this.define(op, scope);
    }
  }

  /** result = common; if (any lane of the mask) result = mask ? rare : result */
  private choose(op: Op, scope: Scope): void {
    const [mask, again, common, rare] = op.operands;
    this.push(common, scope);
    const result = this.free.v128.pop() ?? this.f.local("v128");
    this.f.append([0x21], unsigned(result.index));
    this.push(mask, scope);
    this.f.append(anyTrue, [0x04, 0x40]);
    const outside = this.inside;
    this.inside = op.rare;
    this.prepare([rare], scope, false);
    this.push(rare, scope);
    this.inside = outside;
    this.f.append(result.code);
    this.push(again, scope);
    this.f.append(bitselect, [0x21], unsigned(result.index), [0x0b]);
    this.locals.set(op, result);
  }

  private define(op: Op, scope: Scope): void {
    for (const o of op.operands) this.push(o, scope);
    this.f.append(op.suffix);
    const local = this.free[op.type].pop() ?? this.f.local(op.type);
    this.f.append([0x21], unsigned(local.index));
    this.locals.set(op, local);
  }

  private push(op: Op, scope: Scope): void {
    if (op.leaf) {
      this.f.append(this.leaf(op));
      return;
    }
    const local = this.locals.get(op);
    if (local === undefined) {
      if (op.block !== this.inside || (op.block === null && op.scope !== scope))
        throw new InternalError("an operation is used outside its loop");
      for (const o of op.operands) this.push(o, scope);
      this.f.append(op.suffix);
      return;
    }
    this.f.append(local.code);
    const left = this.uses.get(op)! - 1;
    this.uses.set(op, left);
    if (left > 0) return;
    if (op.scope === scope || op.block !== null) this.release(op);
    else this.expiring.set(op.scope, [...(this.expiring.get(op.scope) ?? []), op]);
  }

  /** Locals, and constants: those used again are kept in locals too, which is shorter. */
  private leaf(op: Op): readonly number[] {
    if (op.local !== null) return this.renamed(op.local).code;
    if (op.suffix.length <= SHORT_CONSTANT || this.uses.get(op) === 1) return op.suffix;
    let local = this.constants.get(op);
    if (local === undefined) this.constants.set(op, (local = this.f.constant({ type: op.type, code: op.suffix })));
    return local.code;
  }

  private release(op: Op): void {
    const local = this.locals.get(op)!;
    this.free[local.type].push(local);
    this.locals.delete(op);
  }
}

export function allRoots(statements: readonly Statement[]): Op[] {
  const roots: Op[] = [];
  for (const s of statements) {
    if (s.kind === "loop") {
      for (const r of allRoots(s.body)) roots.push(r);
      if (s.until !== undefined) roots.push(s.until);
    } else for (const r of rootsOf(s)) roots.push(r);
  }
  return roots;
}
