// Constant tensors in memory, laid out as the loops read them.
import { InternalError } from "../errors.ts";
import { constantOf, type Value } from "../ir/graph.ts";
import type { Numbers } from "../ir/type.ts";
import { type AxisVariable, type Index, keyOf, type Term } from "./indices.ts";
import { align, checkSize, type Home } from "./memory.ts";

export interface Placed {
  readonly home: Home;
  readonly at: Index;
}

/** What all tables of a module share. */
interface Pool {
  end: number;
  readonly pieces: { readonly offset: number; readonly values: Numbers }[];
}

export class ConstantMemory {
  private readonly pool: Pool;
  private readonly tables = new Map<string, Home>();
  private readonly numbered = new Map<Int32Array, number>();
  private readonly checked = new Set<string>();

  constructor(pool: number | Pool) {
    this.pool = typeof pool === "number" ? { end: pool, pieces: [] } : pool;
  }
  /** For the constants of another graph in the same memory. */
  ofAnotherGraph(): ConstantMemory {
    return new ConstantMemory(this.pool);
  }
  /** First byte behind all constants. */
  get size(): number {
    return this.pool.end;
  }
  /** As numbers, at this position: float64, or the bytes themselves where there are many; where the innermost loop would stride through it, a copy in the loop's own order. */
  real(v: Value, at: Index, innermost: AxisVariable | null): Placed {
    const values = elements(v);
    const own = at.terms.find((t) => t.variable === innermost);
    if (own === undefined || own.coefficient === 1 || at.terms.some((t) => t.variable.kind === "dynamic"))
      return { home: this.inOrder(v), at };
    const order = [...at.terms.filter((t) => t !== own), own];
    const strides = new Array<number>(order.length);
    let size = 1;
    for (let k = order.length - 1; k >= 0; k--) {
      strides[k] = size;
      size *= order[k].variable.size;
    }
    if (size > 4 * values.length + 4096) return { home: this.inOrder(v), at };
    const key = `real ${id(v)}@${keyOf(at)}/${own.variable.id}`;
    const home = areManyBytes(values)
      ? this.table(key, "u8", () => reordered(values, at.constant, order, new Uint8Array(size)))
      : this.table(key, "f64", () => reordered(values, at.constant, order, new Float64Array(size)));
    const terms: Term[] = order.map((t, k) => ({ variable: t.variable, coefficient: strides[k] }));
    terms.sort((a, b) => a.variable.id - b.variable.id);
    return { home, at: { constant: 0, terms } };
  }
  /** As float64 in its own order, whatever it is held in. */
  float64(v: Value): Home {
    return this.table(`real ${id(v)}`, "f64", () => Float64Array.from(elements(v)));
  }
  private inOrder(v: Value): Home {
    const values = elements(v);
    return areManyBytes(values) ? this.table(`bytes ${id(v)}`, "u8", () => values) : this.float64(v);
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
  /** As 32-bit integers. */
  integers(values: Int32Array): Home {
    let own = this.numbered.get(values);
    if (own === undefined) this.numbered.set(values, (own = this.numbered.size));
    return this.table(`integers ${own}`, "i32", () => values);
  }
  writeTo(memory: Uint8Array): void {
    for (const { offset, values } of this.pool.pieces) {
      memory.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    }
  }
  private table(key: string, element: Home["element"], make: () => Numbers): Home {
    let home = this.tables.get(key);
    if (home === undefined) {
      const values = make();
      const { pool } = this;
      home = { offset: pool.end, element };
      pool.pieces.push({ offset: pool.end, values });
      pool.end = align(pool.end + values.byteLength);
      checkSize(pool.end);
      this.tables.set(key, home);
    }
    return home;
  }
}

/** Loading bytes takes longer than loading float64, until memory is what takes time. */
const MANY = 65_536;
const areManyBytes = (values: Numbers): values is Uint8Array => values instanceof Uint8Array && values.length > MANY;

const id = (v: Value): string => `${v.node.id}`;
function elements(v: Value): Numbers {
  const values = constantOf(v);
  if (values === null) throw new InternalError("not a constant");
  return values;
}

/** The elements at constant + Σ coefficient · variable for all values of the variables, the last one fastest. */
function reordered<A extends Numbers>(values: ArrayLike<number>, constant: number, order: readonly Term[], out: A): A {
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
