// A graph of pure machine operations inside a nest of loops: hash-consed, each operation in the outermost loop in which it is invariant.
import { InternalError } from "../errors.ts";
import { type Expr, type Local, unsigned, type ValueType } from "./instructions.ts";

/** A place for code: the function's top level (depth 0) or the body of a loop. */
export interface Scope {
  readonly depth: number;
  readonly parent: Scope | null;
}
/** A block that is passed over unless some lane needs it. Operations made inside belong to it alone. */
export interface Block {
  readonly outer: Block | null;
}

/** A pure operation: its operands' code followed by `suffix`. Values of two float64 lanes or masks are of type v128. */
export interface Op<T extends ValueType = ValueType> {
  readonly id: number;
  readonly type: T;
  readonly kind: "f64x2" | "mask";
  readonly operands: readonly Op[];
  readonly suffix: readonly number[];
  readonly scope: Scope;
  readonly block: Block | null;
  /** Operands are (mask, mask, common, rare): the lanes of `rare`, computed in this block, where the mask is set, else `common`. */
  readonly rare: Block | null;
  /** Depends on the moment: belongs to the one statement that uses it. */
  readonly momentary: boolean;
  /** The local that this reads, if it is one. */
  readonly local: Local | null;
  /** Length of the longest chain of operands below. */
  readonly height: number;
  /** Read anew at each use: locals and constants. */
  readonly leaf: boolean;
}

interface Details {
  readonly kind?: Op["kind"];
  /** Keeps apart equal instructions of different meaning: loads of memory that holds one value after another. */
  readonly tag?: string;
}

export class Dataflow {
  readonly root: Scope = { depth: 0, parent: null };
  /** Operations by content: those of the graph, then those of each open block. */
  private readonly known: Map<string | number, Op>[] = [new Map()];
  private block: Block | null = null;
  private count = 0;

  /** Number of operations made so far: the measure of code size. */
  get size(): number {
    return this.count;
  }
  scope(parent: Scope): Scope {
    return { depth: parent.depth + 1, parent };
  }
  op<T extends ValueType>(
    type: T,
    operands: readonly Op[],
    suffix: readonly number[],
    { kind = "f64x2", tag = "" }: Details = {},
  ): Op<T> {
    const key = keyOf(operands, suffix, kind, tag);
    for (const table of this.known) {
      const known = table.get(key);
      // The key fixes operation, operands and kind, and hence the type.
      if (known !== undefined) return known as Op<T>;
    }
    const made = this.make(type, kind, operands, suffix, this.root, null);
    this.known[this.known.length - 1].set(key, made);
    return made;
  }
  /** A value that the statements of a scope change, as it is when it is used. */
  local<T extends ValueType>(local: Local<T>, scope: Scope): Op<T> {
    return this.make(local.type, "f64x2", [], local.code, scope, null, local);
  }
  /** An expression of constants only. */
  expression<T extends ValueType>(e: Expr<T>): Op<T> {
    return this.op(e.type, [], e.code);
  }
  /** An operation whose value depends on the moment (a load of memory that is being written): used exactly once, by one statement. */
  momentary<T extends ValueType>(type: T, operands: readonly Op[], suffix: readonly number[], scope: Scope): Op<T> {
    return { ...this.make(type, "f64x2", operands, suffix, scope, null), momentary: true };
  }
  /** `rare` is asked for its value inside a new block. */
  choice(mask: Op<"v128">, rare: () => Op<"v128">, common: Op<"v128">): Op<"v128"> {
    const block: Block = { outer: this.block };
    this.block = block;
    this.known.push(new Map());
    const value = rare();
    this.known.pop();
    this.block = block.outer;
    // Not hash-consed: two equal choices are rare, and their blocks are two.
    return this.make("v128", "f64x2", [mask, mask, common, value], [], this.root, block);
  }

  private make<T extends ValueType>(
    type: T,
    kind: Op["kind"],
    operands: readonly Op[],
    suffix: readonly number[],
    innermost: Scope,
    rare: Block | null,
    local: Local | null = null,
  ): Op<T> {
    let scope = innermost;
    let height = 0;
    for (const o of operands) {
      scope = deeper(scope, o.scope);
      if (o.height >= height) height = o.height + 1;
    }
    return {
      id: this.count++,
      type,
      kind,
      operands,
      suffix,
      scope,
      block: this.block,
      rare,
      momentary: false,
      local,
      height,
      leaf: operands.length === 0,
    };
  }
}

const numbers = new Map<readonly number[], number>();
/** An instruction that is used again and again: known by a number, so that looking up an operation needs no text. */
export function instruction(code: readonly number[]): readonly number[] {
  const bytes = [...code];
  numbers.set(bytes, numbers.size);
  return bytes;
}
/** Ids of operands below this make a number of the key; with more operations than that, keys are texts. */
const SHORT_IDS = 2 ** 22;

function keyOf(operands: readonly Op[], suffix: readonly number[], kind: Op["kind"], tag: string): string | number {
  const n = numbers.get(suffix);
  const [a, b] = operands;
  const second = b === undefined ? 0 : b.id + 1;
  if (
    n !== undefined &&
    tag === "" &&
    (operands.length === 1 || operands.length === 2) &&
    a.id < SHORT_IDS &&
    second < SHORT_IDS
  ) {
    return ((2 * n + (kind === "mask" ? 1 : 0)) * SHORT_IDS + a.id) * SHORT_IDS + second;
  }
  let key = `${tag}${kind}${suffix}`;
  for (const o of operands) key += `|${o.id}`;
  return key;
}

export function deeper(a: Scope, b: Scope): Scope {
  const [outer, inner] = a.depth <= b.depth ? [a, b] : [b, a];
  if (!contains(outer, inner)) throw new InternalError("an operation reads values of two loops that are not nested");
  return inner;
}

export function contains(outer: Scope, inner: Scope): boolean {
  let s = inner;
  while (s.depth > outer.depth) s = s.parent!;
  return s === outer;
}

/** The suffix of a load or store: alignment and offset after the opcode. */
export const memoryArgument = (opcode: readonly number[], align: number, offset: number): number[] => [
  ...opcode,
  align,
  ...unsigned(offset),
];
