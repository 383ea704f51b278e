// A way to write functions of numbers that branch and loop, which the straight-line code of the math library cannot: expressions on one
// float64, and the functions of a module that others call, each made at its first use.
import { InternalError } from "../../errors.ts";
import { Dataflow } from "../dataflow.ts";
import { DataflowEmitter, inlineCalls, straightLine } from "../emitter.ts";
import { unsigned } from "../instructions.ts";
import { mathlib } from "../mathlib/index.ts";
import { type F64, type FunctionBuilder, f64, f64x2, type I32, i32, type Local, type ModuleBuilder } from "../module.ts";
import { writeStatements } from "../statements.ts";
import type { MathFunction, VectorEmitter, VectorValue } from "../vector-emitter.ts";

/** An expression is written out wherever it stands: what is used twice belongs in a local. */
export type Expression = F64 | number;
const of = (x: Expression): F64 => (typeof x === "number" ? f64.const(x) : x);

export const add = (first: Expression, ...rest: readonly Expression[]): F64 =>
  rest.reduce<F64>((s, x) => f64.add(s, of(x)), of(first));
export const sub = (a: Expression, b: Expression): F64 => f64.sub(of(a), of(b));
export const mul = (first: Expression, ...rest: readonly Expression[]): F64 =>
  rest.reduce<F64>((s, x) => f64.mul(s, of(x)), of(first));
export const div = (a: Expression, b: Expression): F64 => f64.div(of(a), of(b));
export const neg = (a: Expression): F64 => f64.neg(of(a));
export const abs = (a: Expression): F64 => f64.abs(of(a));
export const floor = (a: Expression): F64 => f64.floor(of(a));
export const sqrt = (a: Expression): F64 => f64.sqrt(of(a));
export const least = (a: Expression, b: Expression): F64 => f64.min(of(a), of(b));
export const most = (a: Expression, b: Expression): F64 => f64.max(of(a), of(b));
export const lt = (a: Expression, b: Expression): I32 => f64.lt(of(a), of(b));
export const le = (a: Expression, b: Expression): I32 => f64.le(of(a), of(b));
export const gt = (a: Expression, b: Expression): I32 => f64.gt(of(a), of(b));
export const ge = (a: Expression, b: Expression): I32 => f64.ge(of(a), of(b));
export const eq = (a: Expression, b: Expression): I32 => f64.eq(of(a), of(b));
export const and = (a: I32, b: I32): I32 => i32.and(a, b);
export const or = (a: I32, b: I32): I32 => i32.or(a, b);
export const not = (a: I32): I32 => i32.eqz(a);
export const choose = (condition: I32, a: Expression, b: Expression): F64 => f64.select(condition, of(a), of(b));

/** Σ coefficients[k] x^k; x a local. */
export const polynomial = (x: F64, coefficients: readonly number[]): F64 =>
  coefficients.slice(0, -1).reduceRight<F64>((s, c) => add(mul(s, x), c), f64.const(coefficients[coefficients.length - 1]));

/** The body of a function of numbers. */
export class Body {
  readonly f: FunctionBuilder;
  readonly functions: Functions;
  constructor(f: FunctionBuilder, functions: Functions) {
    this.f = f;
    this.functions = functions;
  }
  let(x: Expression): Local<"f64"> {
    return this.f.let(of(x));
  }
  set(local: Local<"f64">, x: Expression): void {
    this.f.set(local, of(x));
  }
  /** local += x */
  increase(local: Local<"f64">, x: Expression): void {
    this.f.set(local, add(local, x));
  }
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.f.if(condition, then, otherwise);
  }
  /** Body, again while `condition`, at most `times` times. */
  repeat(times: number, body: () => I32): void {
    const count = this.f.let(i32.const(0));
    this.f.loop((again) => {
      const condition = body();
      this.f.set(count, i32.add(count, i32.const(1)));
      again(i32.and(condition, i32.lt(count, i32.const(times))));
    });
  }
  return(...values: readonly Expression[]): void {
    this.f.return(...values.map(of));
  }
  /** A function of the math library. */
  math(name: MathFunction, ...args: readonly Expression[]): F64 {
    return this.f.call(this.functions.math(name, args.length), "f64", ...args.map(of));
  }
  /** A function with one result. */
  call(g: Definition, ...args: readonly Expression[]): F64 {
    return this.f.call(this.functions.get(g), "f64", ...args.map(of));
  }
  /** The results of a function with several, in locals. */
  results(g: Definition, ...args: readonly Expression[]): Local<"f64">[] {
    const callee = this.functions.get(g);
    if (args.length !== callee.params.length) throw new InternalError(`${g.name} has ${callee.params.length} arguments`);
    const locals = callee.results.map(() => this.f.local("f64"));
    this.f.append(...args.map((x) => of(x).code), [0x10, ...unsigned(callee.index)]);
    for (const local of [...locals].reverse()) this.f.append([0x21, ...unsigned(local.index)]);
    return locals;
  }
}

/** A function of numbers that others may call: numbers in, numbers out. The name is its identity within a module. */
export interface Definition {
  readonly name: string;
  readonly arguments: number;
  readonly results: number;
  write(body: Body, args: readonly Local<"f64">[]): void;
}

const known = new WeakMap<ModuleBuilder, Functions>();
/** The functions of one module. */
export class Functions {
  private readonly module: ModuleBuilder;
  private readonly made = new Map<string, FunctionBuilder>();
  private constructor(module: ModuleBuilder) {
    this.module = module;
  }
  static of(module: ModuleBuilder): Functions {
    let functions = known.get(module);
    if (functions === undefined) known.set(module, (functions = new Functions(module)));
    return functions;
  }
  get(g: Definition): FunctionBuilder {
    return this.once(g.name, () => {
      const f = this.module.function(new Array(g.arguments).fill("f64"), new Array(g.results).fill("f64"));
      g.write(
        new Body(f, this),
        Array.from({ length: g.arguments }, (_, i) => f.argument(i, "f64")),
      );
      // Every path has returned.
      f.unreachable();
      return f;
    });
  }
  /** A function of the math library on one number. */
  math(name: MathFunction, arity: number): FunctionBuilder {
    return this.once(`mathlib ${name}`, () => {
      const f = this.module.function(new Array(arity).fill("f64"), ["f64"]);
      const args = Array.from({ length: arity }, (_, i) => f64x2.splat(f.argument(i, "f64")));
      f.result(f64x2.extract(straightLine(f, mathlib, args, mathlib[name]), 0));
      return f;
    });
  }
  /** Straight-line code on two lanes, with several results. */
  lanes(
    name: string,
    arity: number,
    results: number,
    build: (w: VectorEmitter, xs: readonly VectorValue[]) => VectorValue[],
  ): FunctionBuilder {
    return this.once(name, () => {
      const f = this.module.function(new Array(arity).fill("v128"), new Array(results).fill("v128"));
      const graph = new Dataflow();
      const w = new DataflowEmitter(graph, inlineCalls(mathlib));
      const args = Array.from({ length: arity }, (_, i) => graph.local(f.argument(i, "v128"), graph.root));
      writeStatements(
        f,
        [],
        graph.root,
        build(w, args).map((x) => w.number(x)),
      );
      return f;
    });
  }
  /** A function of numbers for each of two lanes; of equal lanes once. */
  each(g: Definition): FunctionBuilder {
    return this.once(`${g.name}, both lanes`, () => {
      const scalar = this.get(g);
      const f = this.module.function(new Array(g.arguments).fill("v128"), ["v128"]);
      const lane = (k: 0 | 1): F64[] => Array.from({ length: g.arguments }, (_, i) => f64x2.extract(f.argument(i, "v128"), k));
      const low = f.let(f.call(scalar, "f64", ...lane(0)));
      const equal = lane(0)
        .map((x, i) => f64.eq(x, lane(1)[i]))
        .reduce((a, b) => i32.and(a, b));
      f.if(equal, () => f.return(f64x2.splat(low)));
      f.result(f64x2.replace(f64x2.splat(low), 1, f.call(scalar, "f64", ...lane(1))));
      return f;
    });
  }
  private once(name: string, make: () => FunctionBuilder): FunctionBuilder {
    let f = this.made.get(name);
    if (f === undefined) this.made.set(name, (f = make()));
    return f;
  }
}
