// What every function of the lowering is handed: the builder, the names in scope, the rows around, and what is collected.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Setting, TrainingSource } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied } from "../distributions/applied.ts";
import type { Call, Statement } from "../language/ast.ts";
import type { BoundData } from "./bind-data.ts";
import { ParameterPool } from "./parameters.ts";
import { addLoop, type LoopValues, type Rows } from "./rows.ts";
import { Scope } from "./scope.ts";

export interface Context {
  readonly b: Builder;
  readonly model: CheckedModel;
  readonly data: BoundData;
  readonly scope: Scope;
  /** The model's own scope: what functions and densities see beside their parameters. */
  readonly root: Scope;
  /** Rows that the expression stands for: loops and comprehensions around it, less what an `if` has taken away. */
  readonly rows: Rows;
  /** Conditions on data under which the value matters: elsewhere an index may be out of range. */
  readonly guards: readonly Value[];
  /** Variables of padded ranges, which stay in their range, and what they would be beyond it: an index that is inside of its axis all the same is
   *  the same affine form of the rows everywhere. */
  readonly beyond?: ReadonlyMap<Value, Value>;
  /** A condition on discrete latents under which the statements hold. */
  readonly when?: Value;
  /** Loops run one iteration after the other, their variables being numbers: inside a recurrence on data. */
  readonly sequential: boolean;
  /** Statements of a step: an `if` chooses by guards, so that the rows stay those of all steps; a loop inside that is a recurrence is written out. */
  readonly scan?: true;
  /** What of a loop runs when all else of it has run. */
  readonly last?: true;
  /** Depth of user functions under evaluation. */
  readonly depth: number;
  /** Where the user functions under evaluation are called: the same expression is another one in another call. */
  readonly path: string;
  readonly session: Session;
}
/** State of one walk over the model. */
export interface Session {
  /** Predictions are drawn in this walk; elsewhere what reads them is passed over. */
  readonly predicts: boolean;
  /** Numbers for symbols, so that each row symbol is a different input. */
  next: number;
  /** Notes for the user, said once. */
  readonly notes: Set<string>;
  /** Statements that run last in their loops: what they read is given by then, and they give what stood there already. */
  readonly late: Set<Statement>;
  /** What is learnt. */
  readonly parameters: ParameterPool;
  /** Weights of the prior in the coordinates of a slot of the layout; undefined: its coordinates are as the model says. */
  weights(slot: number): Value | undefined;
  /** prior(z[n]), in a guide. */
  readonly restate?: (c: Context, call: Call) => Applied;
  /** Noise and statistics of networks in training; absent: they are evaluated as fitted. */
  readonly training?: TrainingSource;
}

export function newContext(b: Builder, model: CheckedModel, data: BoundData, predicts = false, setting: Setting = {}): Context {
  const root = new Scope();
  return {
    b,
    model,
    data,
    scope: root,
    root,
    rows: [],
    guards: [],
    sequential: false,
    depth: 0,
    path: "",
    session: {
      predicts,
      next: 0,
      notes: new Set(),
      late: new Set(),
      parameters: new ParameterPool(data.fixed, setting.parameters),
      weights(slot) {
        const known = data.centering?.get(slot);
        return setting.centering?.get(slot) ?? (known && b.tensor(known.values, known.shape));
      },
      ...(setting.training ? { training: setting.training } : {}),
    },
  };
}

export const inner = (c: Context): Context => ({ ...c, scope: new Scope(c.scope) });

/** The text of a span, for messages and for the names of axes. */
export function textOf(c: Context, span: SourceSpan): string {
  return (c.model.sources[span.file]?.text ?? "").slice(span.start, span.end);
}

export function enterLoop(c: Context, variable: string, axisName: string, values: LoopValues): Context {
  const { rows, variable: symbol } = addLoop(c.b, c.rows, axisName, `${variable}#${c.session.next++}`, values);
  return { ...c, rows, scope: new Scope(c.scope, { variable, symbol }) };
}
