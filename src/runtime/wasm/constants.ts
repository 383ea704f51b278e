// Constant tensors in memory, laid out as the loops read them.
import { InternalError } from "../errors.ts";
import { constantOf, type Value } from "../ir/graph.ts";
import { type AxisVariable, type Index, keyOf, type Term } from "./indices.ts";
import { align, checkSize, type Home } from "./memory.ts";

export interface Placed {
  readonly home: Home;
  readonly at: Index;
}

export class ConstantMemory {
  private end: number;
  private readonly pieces: { readonly offset: number; readonly values: Float64Array | Int32Array }[] = [];
  private readonly tables = new Map<string, Home>();
  private readonly checked = new Set<string>();

  constructor(start: number) {
    this.end = start;
  }
  /** First byte behind all constants. */
  get size(): number {
    return this.end;
  }
  /** As float64, at this position; where the innermost loop would stride through it, a copy in the loop's own order. */
  real(v: Value, at: Index, innermost: AxisVariable | null): Placed {
    const values = elements(v);
    const own = at.terms.find((t) => t.variable === innermost);
    if (own === undefined || own.coefficient === 1 || at.terms.some((t) => t.variable.kind === "dynamic")) {
      return { home: this.table(`real ${id(v)}`, "f64", () => Float64Array.from(values)), at };
    }
    const order = [...at.terms.filter((t) => t !== own), own];
    const strides = new Array<number>(order.length);
    let size = 1;
    for (let k = order.length - 1; k >= 0; k--) {
      strides[k] = size;
      size *= order[k].variable.size;
    }
    if (size > 4 * values.length + 4096) return { home: this.table(`real ${id(v)}`, "f64", () => Float64Array.from(values)), at };
    const home = this.table(`real ${id(v)}@${keyOf(at)}/${own.variable.id}`, "f64", () =>
      reordered(values, at.constant, order, size),
    );
    const terms: Term[] = order.map((t, k) => ({ variable: t.variable, coefficient: strides[k] }));
    terms.sort((a, b) => a.variable.id - b.variable.id);
    return { home, at: { constant: 0, terms } };
  }
  /** As 32-bit indices times 8, each checked to lie in an axis of this size. */
  indices(v: Value, size: number): Home {
    const values = elements(v);
    const key = `${id(v)}<${size}`;
    if (!this.checked.has(key)) {
      for (const i of values) if (!(i >= 0 && i < size)) throw new InternalError(`index ${i} is outside a table of ${size} rows`);
      this.checked.add(key);
    }
    return this.table(`indices ${id(v)}`, "i32", () => Int32Array.from(values, (i) => 8 * i));
  }
  writeTo(memory: Uint8Array): void {
    for (const { offset, values } of this.pieces) {
      memory.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    }
  }
  private table(key: string, element: Home["element"], make: () => Float64Array | Int32Array): Home {
    let home = this.tables.get(key);
    if (home === undefined) {
      const values = make();
      home = { offset: this.end, element };
      this.pieces.push({ offset: this.end, values });
      this.end = align(this.end + values.byteLength);
      checkSize(this.end);
      this.tables.set(key, home);
    }
    return home;
  }
}

const id = (v: Value): string => `${v.node.id}`;
function elements(v: Value): ArrayLike<number> & Iterable<number> {
  const values = constantOf(v);
  if (values === null) throw new InternalError("not a constant");
  return values;
}

/** The elements at constant + Σ coefficient · variable for all values of the variables, the last one fastest. */
function reordered(values: ArrayLike<number>, constant: number, order: readonly Term[], size: number): Float64Array {
  const out = new Float64Array(size);
  let n = 0;
  const visit = (k: number, position: number): void => {
    const { variable, coefficient } = order[k];
    if (k === order.length - 1) {
      for (let i = 0; i < variable.size; i++) out[n++] = values[position + i * coefficient];
      return;
    }
    for (let i = 0; i < variable.size; i++) visit(k + 1, position + i * coefficient);
  };
  visit(0, constant);
  return out;
}
