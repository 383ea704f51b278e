// The user's own densities: their definition, and their use right of ~.

import { atomDimension } from "../dimensions.ts";
import type { Call, DensityStatement, Expression } from "../language/ast.ts";
import { nonnegative } from "../ranges.ts";
import { checkBody } from "./bodies.ts";
import type { Context, Frame } from "./context.ts";
import { declaredType } from "./declared-types.ts";
import type { DistributionType } from "./distribution-type.ts";
import { infer } from "./expressions.ts";
import { Scope } from "./scope.ts";
import { nameOf } from "./shape-messages.ts";
import { checkSupport } from "./supports.ts";
import {
  describeShape,
  inherited,
  joinShapes,
  laterStage,
  nothingVaries,
  type SymbolicShape,
  type ValueType,
} from "./value-type.ts";

/** A scope in which the sizes of the parameters' types that nobody declares are sizes of their own. */
function scopeOf(c: Context, s: DensityStatement): Context {
  const scope = new Scope(c.session.root);
  const local = (e: Expression): void => {
    if (e.kind !== "name" || scope.get(e.name)) return;
    const type: ValueType = {
      dtype: "int",
      shape: [],
      range: nonnegative,
      stage: "data",
      value: atomDimension({ key: `${s.name.name}.${e.name}`, text: e.name, kind: "name" }),
      varies: nothingVaries,
    };
    scope.set({ kind: "size", name: e.name, span: e.span, type, used: true, loops: [] });
  };
  for (const p of [s.variable, ...s.parameters]) p.type.sizes.forEach(local);
  const frame: Frame = { name: s.name.name, key: `${s.name.name}#${c.session.next++}`, position: s.span };
  return { ...c, scope, frames: [...c.frames, frame], loops: [], guarded: true };
}

/** The definition, at its declared types. */
export function checkDensity(c: Context, s: DensityStatement): void {
  const own = scopeOf(c, s);
  for (const p of [...s.parameters, s.variable]) {
    const { type } = declaredType(own, p.type, { latentBounds: true });
    own.scope.set({
      kind: "parameter",
      name: p.name.name,
      span: p.name.span,
      type: { ...type, stage: "latent" },
      used: true,
      loops: [],
      declared: p.type,
    });
  }
  const t = checkBody(own, s.body, s.span, s.name.name);
  if (t?.shape && t.shape.length > 0 && s.variable.type.sizes.length > 0) {
    c.session.report.error("PPL305", s.span, `${s.name.name} is ${describeShape(t.shape)}`, {
      label: "a log density is a number",
      notes: ["write sum(…) around it"],
    });
  }
  if (s.simulate) infer(own, s.simulate);
}

export function userDensity(c: Context, s: DensityStatement, call: Call): DistributionType | undefined {
  const { report, constraints } = c.session;
  c.session.called.add(s.name.name);
  const names = s.parameters.map((p) => p.name.name);
  const usage = `it is ${s.name.name}(${names.join(", ")}), on ${report.line(s.span, call.span)}`;
  const given = new Map<string, Expression>();
  let next = 0;
  let good = true;
  for (const a of call.arguments) {
    const name = a.name ? a.name.name : names[next++];
    if (name === undefined || !names.includes(name) || given.has(name)) {
      const what =
        name === undefined
          ? `${s.name.name} takes ${names.length === 1 ? "one argument" : `${names.length} arguments`} and is given ${call.arguments.length}`
          : given.has(name)
            ? `${s.name.name} is given ${name} twice`
            : `${s.name.name} has no parameter ${name}`;
      report.error("PPL206", a.span, what, { label: usage });
      infer(c, a.value);
      good = false;
    } else given.set(name, a.value);
  }
  const missing = names.filter((n) => !given.has(n));
  if (good && missing.length > 0) {
    report.error("PPL206", call.span, `${s.name.name} is not given ${missing.join(" and ")}`, { label: usage });
    good = false;
  }
  const own = scopeOf(c, s);
  const types: ValueType[] = [];
  let batch: SymbolicShape | undefined = [];
  for (const p of s.parameters) {
    const e = given.get(p.name.name);
    if (!e) continue;
    const t = infer(c, e);
    types.push(t);
    const declared = declaredType(own, p.type, { latentBounds: true });
    const rank = p.type.sizes.length;
    if (t.shape && t.shape.length < rank) {
      report.error("PPL305", e.span, `${nameOf(c, e)} is ${describeShape(t.shape)}`, {
        label: `${s.name.name} declares ${p.name.name}: ${report.text(p.type.span)}`,
      });
      batch = undefined;
      continue;
    }
    if (declared.constraint) {
      const { lower, upper } = declared.type.range;
      const bounds = p.type.bounds
        ? { ...(Number.isFinite(lower) ? { lower } : {}), ...(Number.isFinite(upper) ? { upper } : {}) }
        : undefined;
      checkSupport(
        c,
        s.name.name,
        p.name.name,
        { constraint: declared.constraint, bounds, rank: Math.min(rank, 2) as 0 | 1 | 2, doc: "" },
        e,
        t,
      );
    }
    const joined: SymbolicShape | undefined | "misfit" = joinShapes(batch, t.shape?.slice(0, t.shape.length - rank));
    if (joined === "misfit") {
      report.error("PPL301", e.span, `${nameOf(c, e)} is ${describeShape(t.shape ?? [])}`, {
        label: `the arguments of ${s.name.name} need equal shapes, or be numbers`,
      });
    }
    batch = joined === "misfit" ? undefined : joined;
  }
  if (!good) return undefined;
  const variable = declaredType(own, s.variable.type, { latentBounds: true });
  const event = Math.min(2, s.variable.type.sizes.length) as 0 | 1 | 2;
  const from = inherited(...types);
  return {
    name: s.name.name,
    event,
    batch,
    eventShape: event === 0 ? [] : undefined,
    constraint: variable.constraint ?? constraints.get("real"),
    range: variable.type.range,
    discrete: variable.type.dtype === "int",
    declaredSupport: false,
    normalised: false,
    stage: laterStage("const", from.stage),
    varies: from.varies,
    cdf: false,
    ccdf: false,
    quantile: false,
    affine: false,
    sampler: s.simulate !== undefined,
    sizeless: event > 0,
  };
}
