// Loops and conditions.
import type { Expression, ForStatement, IfStatement, Place, Statement } from "../language/ast.ts";
import { eachChild } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { continuous } from "./indexing.ts";
import { enterLoop } from "./loops.ts";
import type { LoopFrame } from "./scope.ts";
import { nameOf } from "./shape-messages.ts";
import { describeShape, isUnknown, knownAtBind, unknownType } from "./value-type.ts";

type Inside = (statements: readonly Statement[], c: Context) => void;

export function checkFor(c: Context, s: ForStatement, inside: Inside): void {
  let context = c;
  const frames: LoopFrame[] = [];
  for (const loop of s.loops) {
    const entered = enterLoop(context, loop);
    context = entered.context;
    frames.push(entered.frame);
  }
  expectArrays(c, s, frames);
  inside(s.body, context);
}

/** Arrays that the loop gives may be read in it before the statement that gives them: lower elements exist then. */
function expectArrays(c: Context, s: ForStatement, frames: readonly LoopFrame[]): void {
  const variables = new Set(s.loops.map((l) => l.variable.name));
  eachPlace(s.body, (place, kind) => {
    if (!place.subscripts.some((x) => x.kind === "at" && mentionsAny(x.value, variables))) return;
    const scope = kind === "let" ? c.scope : c.session.root;
    const name = place.name.name;
    const known = c.scope.get(name);
    if (known && !known.unknown) {
      known.expected = [...(known.expected ?? []), ...frames];
      return;
    }
    const stage = kind === "let" ? "const" : kind === "latent" ? "latent" : "predict";
    const entry = scope.set({
      kind,
      name,
      span: place.name.span,
      type: { ...unknownType, stage },
      used: kind !== "let",
      loops: kind === "let" ? c.loops : [],
      pending: true,
      expected: [...frames],
    });
    c.session.entries.push(entry);
  });
}

/** Places of let, quantity, predict and ~ in a block and the blocks in it. */
function eachPlace(body: readonly Statement[], f: (place: Place, kind: "let" | "quantity" | "predict" | "latent") => void): void {
  for (const s of body) {
    if (s.kind === "let" || s.kind === "quantity" || s.kind === "predict") f(s.place, s.kind);
    else if ((s.kind === "sample" || s.kind === "aux") && s.place) f(s.place, "latent");
    else if (s.kind === "for") eachPlace(s.body, f);
    else if (s.kind === "if") {
      eachPlace(s.then, f);
      eachPlace(s.else ?? [], f);
    }
  }
}
function mentionsAny(e: Expression, names: ReadonlySet<string>): boolean {
  if (e.kind === "name") return names.has(e.name);
  let found = false;
  eachChild(e, (x) => {
    found ||= mentionsAny(x, names);
  });
  return found;
}

/** if on data: branches are chosen at bind; both are checked, and share the scope around them. */
export function checkIf(c: Context, s: IfStatement, inside: Inside): void {
  const { report } = c.session;
  const t = infer(c, s.condition);
  const text = nameOf(c, s.condition, "this condition");
  if (!isUnknown(t) && t.shape && t.shape.length > 0) {
    report.error("PPL305", s.condition.span, `${text} is ${describeShape(t.shape)}`, {
      label: "if needs one condition",
      notes: ["c ? a : b chooses element by element; any(c) and all(c) make one of many"],
    });
  } else if (t.stage === "latent" ? continuous(c, s.condition) : !knownAtBind(t.stage) && !onlyAfterDraws(s)) {
    report.error(
      "PPL505",
      s.condition.span,
      `${text} depends on ${t.stage === "predict" ? "predictions" : "continuous latent variables"}`,
      {
        label: t.stage === "predict" ? "if chooses before the model runs" : "if chooses on data, or on discrete latent variables",
        notes: ["write c ? a : b, which chooses at every point"],
      },
    );
  }
  const branch: Context = { ...c, guarded: true };
  inside(s.then, branch);
  if (s.else) inside(s.else, branch);
}
const onlyAfterDraws = (s: IfStatement): boolean =>
  [...s.then, ...(s.else ?? [])].every((x) => x.kind === "quantity" || x.kind === "predict");
