// Calls of routines: a function of its own for each, its operands and results where the layout has put them.
import { InternalError } from "../errors.ts";
import { constantOf, shapeOf, type Value } from "../ir/graph.ts";
import { underReshapes } from "./analyse.ts";
import type { Group } from "./fuse.ts";
import type { GroupContext } from "./generate.ts";
import { loopBody } from "./loop-body.ts";
import { emitLoop } from "./loop-call.ts";
import { routineOf } from "./memory.ts";
import type { ModuleBuilder } from "./module.ts";
import type { Operand } from "./routines/index.ts";
import type { Statement } from "./statements.ts";

export function callRoutine(module: ModuleBuilder, context: GroupContext, { reports }: Group): Statement[] {
  return reports.map(({ sink }): Statement => {
    if (sink.kind !== "routine") throw new InternalError("a routine shares its group");
    const { node } = sink;
    const { constants, layout, fusion } = context;
    const operand = (v: Value): Operand => {
      const base = underReshapes(v, fusion.inMemory);
      const home = constantOf(base) === null ? context.homeOf(base) : constants.float64(base);
      if (home.element !== "f64") throw new InternalError("an operand of a routine that is not real");
      return { offset: home.offset, shape: shapeOf(v) };
    };
    const inputs = node.inputs.map(operand);
    const results = sink.results.map((v): Operand => ({ offset: context.homeOf(v).offset, shape: shapeOf(v) }));
    const callee = module.function([], []);
    const scratch = layout.scratch.get(node)!;
    if (loopBody(node) !== null) emitLoop(module, callee, constants, { node, inputs, results, scratch });
    else routineOf(node).emit(callee, { module, node, inputs, results, scratch });
    return { kind: "invoke", callee, args: [], results: [] };
  });
}
