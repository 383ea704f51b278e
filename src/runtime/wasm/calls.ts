// How math functions are coded: inline in loops, where the processor overlaps them with their neighbours; as calls of functions elsewhere.
import { Dataflow } from "./dataflow.ts";
import { asVector, type CallRule, DataflowEmitter, type IterationRule, inlineCalls, type MathLibrary } from "./emitter.ts";
import { unsigned } from "./instructions.ts";
import { iterative } from "./iterative/index.ts";
import { Functions } from "./iterative/scalar.ts";
import type { FunctionBuilder, ModuleBuilder } from "./module.ts";
import type { Runs } from "./plan.ts";
import { writeStatements } from "./statements.ts";
import type { MathFunction } from "./vector-emitter.ts";

/** Operations of a function's inline code up to which it is written out in a loop. */
const LARGEST_INLINE = 160;
/** Outside loops code runs once: small code compiles faster. */
const LARGEST_INLINE_OUTSIDE = 16;

/** `runs`: how often the code outside of the graph's loops runs. */
export function callRule(module: ModuleBuilder, library: MathLibrary, graph: Dataflow, runs: Runs): CallRule {
  const functions = new Map<MathFunction, FunctionBuilder>();
  const functionOf = (name: MathFunction, arity: number): FunctionBuilder => {
    let f = functions.get(name);
    if (f === undefined) {
      f = module.function(new Array(arity).fill("v128"), ["v128"]);
      functions.set(name, f);
      const own = new Dataflow();
      const inline = new DataflowEmitter(own, inlineCalls(library));
      const args = Array.from({ length: arity }, (_, i) => own.local(f!.argument(i, "v128"), own.root));
      writeStatements(f, [], own.root, [inline.number(library[name](inline, ...args))]);
    }
    return f;
  };
  return (w, name, args) => {
    const inLoop = runs === "repeated" || args.some((a) => a.scope !== graph.root);
    if (sizeOf(library, name, args.length) <= (inLoop ? LARGEST_INLINE : LARGEST_INLINE_OUTSIDE))
      return library[name](w, ...args);
    const f = functionOf(name, args.length);
    return asVector(graph.op("v128", args, [0x10, ...unsigned(f.index)]));
  };
}

const sizes = new Map<MathFunction, number>();
/** Operations of the function written out, those that it calls included. */
function sizeOf(library: MathLibrary, name: MathFunction, arity: number): number {
  let size = sizes.get(name);
  if (size === undefined) {
    const graph = new Dataflow();
    const w = new DataflowEmitter(graph, inlineCalls(library));
    const leaf = (x: number) => graph.op("v128", [], [0xfd, 0x0c, x]); // stands for an argument
    library[name](w, ...Array.from({ length: arity }, (_, i) => leaf(i)));
    sizes.set(name, (size = graph.size));
  }
  return size;
}

/** Functions that iterate are functions of the module. */
export function iterationRule(module: ModuleBuilder, graph: Dataflow): IterationRule {
  const functions = Functions.of(module);
  return (_w, name, args) => asVector(graph.op("v128", args, [0x10, ...unsigned(functions.each(iterative[name]).index)]));
}
