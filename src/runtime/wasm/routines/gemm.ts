// C = α A B or C += α A B for float64 matrices with any strides: packed panels and a 4 x 4 register tile, in the loop order of
// Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34, 2008. Block sizes are fixed, so are the bits.
import { type F64, type FunctionBuilder, f64, f64x2, type I32, i32, type Local, type ModuleBuilder, v128 } from "../module.ts";

/** Columns of A in cache at a time, rows of A, columns of B: 4 x inner panels stay in the first level, rows x inner in the second. */
const blockInner = 256;
const blockRows = 64;
const blockColumns = 512;
const tile = 4;
const word = 8;

const padded = (n: number): number => Math.ceil(n / tile) * tile;
const limited = (n: number, limit: number): number => Math.min(n, limit);

/** Scratch space in float64 elements for a product of these sizes (or smaller ones). */
export function gemmScratch(rows: number, columns: number, inner: number): number {
  const k = limited(inner, blockInner);
  return k * (padded(limited(columns, blockColumns)) + padded(limited(rows, blockRows))) + tile * tile;
}

/** Byte strides; `rows`, `columns`, `inner` are counts; `scratch` holds gemmScratch elements, 16-byte aligned. */
export interface GemmCall {
  readonly a: I32;
  readonly aRow: I32;
  readonly aInner: I32;
  readonly b: I32;
  readonly bInner: I32;
  readonly bColumn: I32;
  readonly c: I32;
  readonly cRow: I32;
  readonly rows: I32;
  readonly columns: I32;
  readonly inner: I32;
  readonly scratch: I32;
  /** 1: added to what C holds, 0: C is overwritten. */
  readonly accumulate: I32;
  readonly alpha: F64;
}
const order = [
  "a",
  "aRow",
  "aInner",
  "b",
  "bInner",
  "bColumn",
  "c",
  "cRow",
  "rows",
  "columns",
  "inner",
  "scratch",
  "accumulate",
] as const satisfies readonly (keyof GemmCall)[];

/** Calls the module's gemm, which is made at the first call. */
export function gemm(module: ModuleBuilder, f: FunctionBuilder, call: GemmCall): void {
  let g = known.get(module);
  if (g === undefined) known.set(module, (g = build(module)));
  f.invoke(g, ...order.map((name) => call[name]), call.alpha);
}
const known = new WeakMap<ModuleBuilder, FunctionBuilder>();

const int = i32.const;
const times = (a: I32, k: number): I32 => i32.mul(a, int(k));
const least = (f: FunctionBuilder, a: I32, limit: number): Local<"i32"> => {
  const m = f.let(a);
  f.if(i32.gt(m, int(limit)), () => f.set(m, int(limit)));
  return m;
};

function build(module: ModuleBuilder): FunctionBuilder {
  const multiply = buildTile(module);
  const edge = buildEdge(module);
  const pack = buildPack(module);
  const f = module.function([...order.map(() => "i32" as const), "f64"], []);
  const [a, aRow, aInner, b, bInner, bColumn, c, cRow, rows, columns, inner, scratch, accumulate] = order.map((_, i) =>
    f.argument(i, "i32"),
  );
  const alpha = f.argument(order.length, "f64");
  const corner = scratch; // one tile for the edges
  const packedA = f.let(i32.add(scratch, int(tile * tile * word)));
  const packedB = f.let(int(0));
  f.for(0, columns, blockColumns, (jc) => {
    const nc = least(f, i32.sub(columns, jc), blockColumns);
    f.for(0, inner, blockInner, (pc) => {
      const kc = least(f, i32.sub(inner, pc), blockInner);
      const panel = f.let(times(kc, tile * word));
      const add = f.let(i32.or(accumulate, i32.gt(pc, int(0))));
      // B's panels lie behind those of A, whose number is bounded by the matrix and by the block
      const mcMost = least(f, rows, blockRows);
      f.set(packedB, i32.add(packedA, i32.mul(i32.divUnsigned(i32.add(mcMost, int(tile - 1)), int(tile)), panel)));
      const bStart = i32.add(b, i32.add(i32.mul(jc, bColumn), i32.mul(pc, bInner)));
      f.invoke(pack, bStart, bColumn, bInner, nc, kc, packedB, f64.const(1));
      f.for(0, rows, blockRows, (ic) => {
        const mc = least(f, i32.sub(rows, ic), blockRows);
        const aStart = i32.add(a, i32.add(i32.mul(ic, aRow), i32.mul(pc, aInner)));
        f.invoke(pack, aStart, aRow, aInner, mc, kc, packedA, alpha);
        const bPanel = f.let(packedB);
        f.for(0, nc, tile, (jr) => {
          const aPanel = f.let(packedA);
          const place = f.let(i32.add(c, i32.add(i32.mul(ic, cRow), times(i32.add(jc, jr), word))));
          f.for(0, mc, tile, (ir) => {
            const whole = i32.and(i32.le(i32.add(ir, int(tile)), mc), i32.le(i32.add(jr, int(tile)), nc));
            f.if(
              whole,
              () => f.invoke(multiply, aPanel, bPanel, panel, place, cRow, add),
              () => {
                f.invoke(multiply, aPanel, bPanel, panel, corner, int(tile * word), int(0));
                f.invoke(edge, corner, place, cRow, least(f, i32.sub(mc, ir), tile), least(f, i32.sub(nc, jr), tile), add);
              },
            );
            f.set(aPanel, i32.add(aPanel, panel));
            f.set(place, i32.add(place, times(cRow, tile)));
          });
          f.set(bPanel, i32.add(bPanel, panel));
        });
      });
    });
  });
  // an empty sum
  f.if(i32.and(i32.eqz(inner), i32.eqz(accumulate)), () => {
    f.for(0, rows, 1, (i) => f.zeroFill(i32.add(c, i32.mul(i, cRow)), times(columns, word)));
  });
  return f;
}

/** (aPanel, bPanel, bytes of a panel, c, row stride of c, add): a 4 x 4 tile of C. */
function buildTile(module: ModuleBuilder): FunctionBuilder {
  const f = module.function(["i32", "i32", "i32", "i32", "i32", "i32"], []);
  const [a, b, bytes, c, cRow, add] = [0, 1, 2, 3, 4, 5].map((i) => f.argument(i, "i32"));
  const sums = Array.from({ length: tile }, () => [f.local("v128"), f.local("v128")]);
  const between = f.let(i32.sub(b, a));
  f.for(a, i32.add(a, bytes), tile * word, (p) => {
    const q = f.let(i32.add(p, between));
    const right = [f.let(v128.load(q)), f.let(v128.load(q, 16))];
    for (const [i, row] of sums.entries()) {
      const left = f.let(v128.loadSplat(p, i * word));
      for (const [j, sum] of row.entries()) f.set(sum, f64x2.add(sum, f64x2.mul(left, right[j])));
    }
  });
  const place = f.let(c);
  const finish = (combine: (row: number, half: number) => void): void => {
    for (let i = 0; i < tile; i++) {
      combine(i, 0);
      combine(i, 1);
      f.set(place, i32.add(place, cRow));
    }
  };
  f.if(
    add,
    () => finish((i, j) => f.store(place, f64x2.add(v128.load(place, 16 * j), sums[i][j]), 16 * j)),
    () => finish((i, j) => f.store(place, sums[i][j], 16 * j)),
  );
  return f;
}

/** (tile, c, row stride of c, rows, columns, add): the part of a tile that lies inside C. */
function buildEdge(module: ModuleBuilder): FunctionBuilder {
  const f = module.function(["i32", "i32", "i32", "i32", "i32", "i32"], []);
  const [from, c, cRow, rows, columns, add] = [0, 1, 2, 3, 4, 5].map((i) => f.argument(i, "i32"));
  f.for(0, rows, 1, (i) => {
    f.for(0, columns, 1, (j) => {
      const target = f.let(i32.add(c, i32.add(i32.mul(i, cRow), times(j, word))));
      const value = f.let(f64.load(i32.add(from, times(i32.add(times(i, tile), j), word))));
      f.if(add, () => f.set(value, f64.add(f64.load(target), value)));
      f.store(target, value);
    });
  });
  return f;
}

/** (source, stride across, stride along, count across, count along, target, factor): panels four wide, zeros beyond the count. */
function buildPack(module: ModuleBuilder): FunctionBuilder {
  const f = module.function(["i32", "i32", "i32", "i32", "i32", "i32", "f64"], []);
  const [source, across, along, width, length, start] = [0, 1, 2, 3, 4, 5].map((i) => f.argument(i, "i32"));
  const factor = f.argument(6, "f64");
  const factors = f.let(f64x2.splat(factor));
  const target = f.let(start);
  f.for(0, width, tile, (p) => {
    const lane = f.let(i32.add(source, i32.mul(p, across)));
    const count = f.let(i32.sub(width, p));
    const contiguous = i32.and(i32.eq(across, int(word)), i32.ge(count, int(tile)));
    f.if(
      contiguous,
      () =>
        f.for(0, length, 1, () => {
          for (const half of [0, 16]) f.store(target, f64x2.mul(v128.load(lane, half), factors), half);
          f.set(lane, i32.add(lane, along));
          f.set(target, i32.add(target, int(tile * word)));
        }),
      () =>
        f.for(0, length, 1, () => {
          const from = f.let(lane);
          for (let k = 0; k < tile; k++) {
            const value = f.let(f64.const(0));
            f.if(i32.gt(count, int(k)), () => f.set(value, f64.mul(f64.load(from), factor)));
            f.store(target, value, k * word);
            f.set(from, i32.add(from, across));
          }
          f.set(lane, i32.add(lane, along));
          f.set(target, i32.add(target, int(tile * word)));
        }),
    );
  });
  return f;
}
