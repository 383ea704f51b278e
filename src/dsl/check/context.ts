// What every function of the checker is handed: what is collected, the names in scope, the loops and conditions around.
import type { Constraint } from "../constraints/define.ts";
import type { Source, SourceSpan } from "../diagnostics.ts";
import type { Distribution } from "../distributions/define.ts";
import type {
  Call,
  DensityStatement,
  FunctionStatement,
  GuideStatement,
  NetStatement,
  ReturnStatement,
  ReverseStatement,
  SampleStatement,
  Statement,
} from "../language/ast.ts";
import type { Layer } from "../nets/define.ts";
import type { Role } from "./checked-model.ts";
import type { GuideFacts } from "./guides.ts";
import type { Report } from "./report.ts";
import { type Entry, type LoopFrame, Scope } from "./scope.ts";
import type { Stage, ValueType } from "./value-type.ts";

export interface Records {
  readonly distributions: ReadonlyMap<string, Distribution>;
  readonly constraints: ReadonlyMap<string, Constraint>;
}
/** State of one run over one model. */
export interface Session extends Records {
  readonly report: Report;
  readonly sources: readonly Source[];
  readonly root: Scope;
  readonly functions: ReadonlyMap<string, FunctionStatement>;
  readonly densities: ReadonlyMap<string, DensityStatement>;
  readonly nets: ReadonlyMap<string, NetStatement>;
  /** Layers of the nets that have been asked for; undefined after a mistake, or where only bind knows them. */
  readonly netLayers: Map<string, readonly Layer[] | "busy" | undefined>;
  /** Functions and nets that have been looked at by themselves. */
  readonly checked: Set<FunctionStatement | NetStatement>;
  /** Calls seen, so that unused definitions can be named. */
  readonly called: Set<string>;
  /** Names used where they are not in force: not unused, then. */
  readonly mentioned: Set<string>;
  /** Where each name of the model is first given by let, ~, quantity or predict, wherever that is. */
  readonly definitions: ReadonlyMap<string, SourceSpan>;
  /** Every let, quantity and loop entry of every block, for unused names. */
  readonly entries: Entry[];
  readonly roles: Map<SampleStatement, Role>;
  readonly stages: Map<Statement, Stage>;
  /** Guides and reverses, to be checked after the model. */
  readonly guides: (GuideStatement | ReverseStatement)[];
  readonly matrixScales: Set<Call>;
  /** Calls of the user's functions whose bodies have been looked at. */
  expansions: number;
  /** Numbers for loops and calls. */
  next: number;
}
/** A call of a user's function under check. */
export interface Frame {
  readonly name: string;
  /** Distinguishes equal texts of different calls. */
  readonly key: string;
  /** lets after this place are not seen. */
  readonly position: SourceSpan;
  returned?: { readonly type: ValueType; readonly statement: ReturnStatement };
}
export interface Context {
  readonly session: Session;
  readonly scope: Scope;
  readonly loops: readonly LoopFrame[];
  /** Under a condition: what is out of range here may never be reached. */
  readonly guarded: boolean;
  /** Innermost last. */
  readonly frames: readonly Frame[];
  /** In a quantity or predict: evaluated once per draw, where draws are numbers. */
  readonly perDraw: boolean;
  /** In a declaration of data: only data and consts are seen. */
  readonly inData: boolean;
  /** In the value of a const: only other consts are seen. */
  readonly inConst: boolean;
  /** In a guide or its reverse. */
  readonly guide?: GuideFacts;
  /** In the size of a type: what is not defined is to be declared an integer. */
  readonly inSize?: boolean;
}
export const inner = (c: Context): Context => ({ ...c, scope: new Scope(c.scope) });
export const frameOf = (c: Context): Frame | undefined => c.frames[c.frames.length - 1];
