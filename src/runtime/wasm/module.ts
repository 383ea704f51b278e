// Binary encoder of WebAssembly modules: types, imports, functions, one memory, exports, data; and functions written as statements.
import { InternalError } from "../errors.ts";
import { type Expr, type I32, i32, type Local, unsigned, type ValueType } from "./instructions.ts";
import { type WasmModule, WebAssembly } from "./webassembly.ts";

export {
  type Expr,
  type F64,
  f64,
  f64x2,
  type I32,
  type I64,
  i32,
  i32x4,
  i64,
  i64x2,
  type Local,
  type V128,
  type ValueType,
  v128,
} from "./instructions.ts";

/** Something that can be called: an import or a function of the module. */
export interface Callable {
  readonly index: number;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const typeByte: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b };
const storeOp: Readonly<Record<ValueType, readonly number[]>> = {
  i32: [0x36, 2],
  i64: [0x37, 3],
  f64: [0x39, 3],
  v128: [0xfd, 0x0b, 3],
};
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const utf8 = (text: string): number[] => {
  const bytes = [...new TextEncoder().encode(text)];
  return [...unsigned(bytes.length), ...bytes];
};

/** One function: parameters, locals, and a body to which statements are appended. */
export class FunctionBuilder implements Callable {
  readonly index: number;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  /** The parameters as locals. */
  readonly arguments: readonly Local[];
  private readonly locals: ValueType[] = [];
  private readonly code: number[] = [];
  /** Runs before everything else. */
  private readonly prologue: number[] = [];

  constructor(index: number, params: readonly ValueType[], results: readonly ValueType[]) {
    this.index = index;
    this.params = params;
    this.results = results;
    this.arguments = params.map((type, i) => localOf(i, type));
  }
  /** A parameter, with its type checked. */
  argument<T extends ValueType>(i: number, type: T): Local<T> {
    if (this.params[i] !== type) throw new InternalError(`parameter ${i} is ${this.params[i]}, not ${type}`);
    return localOf(i, type);
  }
  /** A new local, zero at entry. */
  local<T extends ValueType>(type: T): Local<T> {
    this.locals.push(type);
    return localOf(this.params.length + this.locals.length - 1, type);
  }
  /** A new local holding the expression's present value. */
  let<T extends ValueType>(value: Expr<T>): Local<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }
  /** A new local that holds a constant from the beginning of the function. */
  constant<T extends ValueType>(value: Expr<T>): Local<T> {
    const local = this.local(value.type);
    this.prologue.push(...value.code, 0x21, ...unsigned(local.index));
    return local;
  }
  set<T extends ValueType>(local: Local<T>, value: Expr<T>): void {
    this.append(value.code, [0x21, ...unsigned(local.index)]);
  }
  /** Stores an i32, i64, f64 or v128 at address + offset (bytes). */
  store(address: I32, value: Expr, offset = 0): void {
    this.append(address.code, value.code, storeOp[value.type], unsigned(offset));
  }
  /** An expression; results of a function with exactly one. */
  call<T extends ValueType>(f: Callable, type: T, ...args: readonly Expr[]): Expr<T> {
    if (f.results.length !== 1 || f.results[0] !== type) throw new InternalError("the called function has another result");
    return { type, code: this.callCode(f, args) };
  }
  /** A statement: a function without results. */
  invoke(f: Callable, ...args: readonly Expr[]): void {
    if (f.results.length !== 0) throw new InternalError("the called function has results");
    this.append(this.callCode(f, args));
  }
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.append(condition.code, [0x04, 0x40]);
    then();
    if (otherwise) {
      this.append([0x05]);
      otherwise();
    }
    this.append([0x0b]);
  }
  /** for (i = from; i < to; i += step), signed; step > 0. `i` may be given, else it is a new local; it must not be set in the body. */
  for(from: I32 | number, to: I32 | number, step: number, body: (i: Local<"i32">) => void, counter?: Local<"i32">): void {
    if (!(step > 0)) throw new InternalError(`a loop of step ${step}`);
    const i = counter ?? this.local("i32");
    const limit = typeof to === "number" ? i32.const(to) : this.let(to);
    this.set(i, typeof from === "number" ? i32.const(from) : from);
    const rotated = () =>
      this.loop((again) => {
        body(i);
        this.set(i, i32.add(i, i32.const(step)));
        again(i32.lt(i, limit));
      });
    if (typeof from === "number" && typeof to === "number") {
      if (from < to) rotated();
    } else this.if(i32.lt(i, limit), rotated);
  }
  /** for (i = from; i >= to; i -= step), signed; step > 0. */
  forDown(from: I32 | number, to: I32 | number, step: number, body: (i: Local<"i32">) => void): void {
    const i = this.let(typeof from === "number" ? i32.const(from) : from);
    const limit = typeof to === "number" ? i32.const(to) : this.let(to);
    this.if(i32.ge(i, limit), () =>
      this.loop((again) => {
        body(i);
        this.set(i, i32.sub(i, i32.const(step)));
        again(i32.ge(i, limit));
      }),
    );
  }
  /** while (condition) body; the condition is evaluated anew each time. */
  while(condition: I32, body: () => void): void {
    this.if(condition, () =>
      this.loop((again) => {
        body();
        again(condition);
      }),
    );
  }
  /** A block repeated when the body, as its last statement, says `again(condition)`. */
  loop(body: (again: (condition: I32) => void) => void): void {
    this.append([0x03, 0x40]);
    body((condition) => this.append(condition.code, [0x0d, 0]));
    this.append([0x0b]);
  }
  return(...values: readonly Expr[]): void {
    this.append(...values.map((v) => v.code), [0x0f]);
  }
  /** Leaves the value as the function's result, as the last statement. */
  result(value: Expr): void {
    this.append(value.code);
  }
  /** memory.fill with zero bytes, `count` bytes at `address`. */
  zeroFill(address: I32, count: I32): void {
    this.append(address.code, i32.const(0).code, count.code, [0xfc, 0x0b, 0]);
  }
  /** memory.copy of `count` bytes. */
  copy(to: I32, from: I32, count: I32): void {
    this.append(to.code, from.code, count.code, [0xfc, 0x0a, 0, 0]);
  }
  unreachable(): void {
    this.append([0x00]);
  }
  /** Raw instructions, for those that generate code themselves. */
  append(...pieces: readonly (readonly number[])[]): void {
    for (const piece of pieces) for (let i = 0; i < piece.length; i++) this.code.push(piece[i]);
  }
  get size(): number {
    return this.code.length;
  }
  /** Size, locals, body. */
  encode(): Uint8Array {
    const runs: number[][] = [];
    let start = 0;
    for (let i = 1; i <= this.locals.length; i++) {
      if (i < this.locals.length && this.locals[i] === this.locals[start]) continue;
      runs.push([...unsigned(i - start), typeByte[this.locals[start]]]);
      start = i;
    }
    const head = vector(runs);
    const pieces = [head, this.prologue, this.code, [0x0b]];
    return joined([unsigned(pieces.reduce((sum, piece) => sum + piece.length, 0)), ...pieces]);
  }
  private callCode(f: Callable, args: readonly Expr[]): number[] {
    if (args.length !== f.params.length || args.some((a, i) => a.type !== f.params[i])) {
      throw new InternalError(`arguments (${args.map((a) => a.type)}) for parameters (${f.params})`);
    }
    return [...args.flatMap((a) => a.code), 0x10, ...unsigned(f.index)];
  }
}

function joined(pieces: readonly ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function localOf<T extends ValueType>(index: number, type: T): Local<T> {
  return { type, index, code: [0x20, ...unsigned(index)] };
}

export class ModuleBuilder {
  private readonly types: number[][] = [];
  private readonly typeIndex = new Map<string, number>();
  private readonly imports: number[][] = [];
  private readonly functions: FunctionBuilder[] = [];
  private readonly exports: number[][] = [];
  private readonly segments: number[][] = [];
  private pages: number | null = null;

  /** Imports come before all functions. */
  import(module: string, name: string, params: readonly ValueType[], results: readonly ValueType[]): Callable {
    if (this.functions.length > 0) throw new InternalError("imports must precede functions");
    this.imports.push([...utf8(module), ...utf8(name), 0x00, ...unsigned(this.type(params, results))]);
    return { index: this.imports.length - 1, params, results };
  }
  function(params: readonly ValueType[], results: readonly ValueType[], exportName?: string): FunctionBuilder {
    const f = new FunctionBuilder(this.imports.length + this.functions.length, params, results);
    this.functions.push(f);
    if (exportName !== undefined) this.exports.push([...utf8(exportName), 0x00, ...unsigned(f.index)]);
    return f;
  }
  /** The module's memory, of fixed size, exported as "memory". */
  memory(pages: number): void {
    this.pages = pages;
  }
  data(offset: number, bytes: Uint8Array): void {
    this.segments.push([0x00, ...i32.const(offset).code, 0x0b, ...unsigned(bytes.length), ...bytes]);
  }
  encode(): Uint8Array {
    const signatures = this.functions.map((f) => unsigned(this.type(f.params, f.results)));
    const exports = this.pages === null ? this.exports : [...this.exports, [...utf8("memory"), 0x02, 0]];
    const pieces: ArrayLike<number>[] = [[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]];
    const section = (id: number, items: readonly ArrayLike<number>[]): void => {
      if (items.length === 0) return;
      const count = unsigned(items.length);
      const size = items.reduce((sum, item) => sum + item.length, count.length);
      pieces.push([id, ...unsigned(size), ...count], ...items);
    };
    section(1, this.types);
    section(2, this.imports);
    section(3, signatures);
    section(5, this.pages === null ? [] : [[0x01, ...unsigned(this.pages), ...unsigned(this.pages)]]);
    section(7, exports);
    section(
      10,
      this.functions.map((f) => f.encode()),
    );
    section(11, this.segments);
    return joined(pieces);
  }
  compile(): WasmModule {
    return new WebAssembly.Module(this.encode());
  }
  private type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params}->${results}`;
    let index = this.typeIndex.get(key);
    if (index === undefined) {
      index =
        this.types.push([0x60, ...vector(params.map((t) => [typeByte[t]])), ...vector(results.map((t) => [typeByte[t]]))]) - 1;
      this.typeIndex.set(key, index);
    }
    return index;
  }
}
