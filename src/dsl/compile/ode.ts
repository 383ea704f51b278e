// Calls of ode: the right-hand side is written out for a symbolic time and symbolic components; what else it reads comes along by itself.
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { symbol } from "../../runtime/ir/loop/make.ts";
import { makeOde, type OdeOptions } from "../../runtime/ir/ode/ode.ts";
import { real } from "../../runtime/ir/type.ts";
import type { Call } from "../language/ast.ts";
import { odeMethods, odeName, odeOptions, odeUsage } from "../ode-call.ts";
import { inlineValues } from "./calls.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { rowTable } from "./rows.ts";

export function evaluateOde(c: Context, e: Call): Value {
  const { b } = c;
  const [of, ...rest] = e.arguments.flatMap((a) => (a.name ? [] : [a.value]));
  const f = of?.kind === "name" ? c.model.functions.get(of.name) : undefined;
  if (!f || rest.length < 3) return reject(bindCodes.shape, e.span, `${odeName} is given too little`, { label: odeUsage });
  const [y0, t0, ts, ...args] = rest.map((x) => evaluate(c, x));
  const [[size], rank] = [shapeOf(y0), shapeOf(y0).length];
  if (rank !== 1 || shapeOf(t0).length !== 0 || shapeOf(ts).length !== 1)
    return reject(bindCodes.shape, e.span, "the start and the times are vectors, the first time a number", { label: odeUsage });
  checkTimes(c, rest[2].span, t0, ts);
  const [t, y] = [symbol(b, real([])), symbol(b, real([size]))];
  const slope = inlineValues(c, f, [t, y, ...args], e.span);
  if (shapeOf(slope).length !== 1 || shapeOf(slope)[0] !== size)
    return reject(bindCodes.shape, e.span, `${f.name.name} gives shape [${shapeOf(slope).join(", ")}], y0 is [${size}]`, {
      label: "there are as many derivatives as components",
    });
  const asReal = (v: Value): Value => b.cast(v, "real");
  return at(e.span, () =>
    makeOde(b, { t, y, slope: asReal(slope), y0: asReal(y0), t0: asReal(t0), ts: asReal(ts) }, optionsOf(c, e)),
  );
}

/** Times that are known do not go back. */
function checkTimes(c: Context, span: Call["span"], t0: Value, ts: Value): void {
  const { b } = c;
  const [count] = shapeOf(ts);
  if (count === 0) return;
  const before = b.concat([b.reshape(b.cast(t0, "real"), [1]), b.slice(b.cast(ts, "real"), 0, 0, count - 1)], 0);
  const least = rowTable(b, b.reduceMin(b.sub(b.cast(ts, "real"), before)), c.rows);
  if (least?.values.every((v: number) => v >= 0) ?? true) return;
  const known = knownOf(b.concat([b.slice(before, 0, 0, 1), b.cast(ts, "real")], 0));
  const k = known?.findIndex((v: number, i: number) => i > 0 && !(v >= known[i - 1])) ?? -1;
  reject(bindCodes.value, span, "the times do not increase from t0 on", {
    label:
      known && k > 0
        ? `time ${k} is ${known[k]}, behind ${k === 1 ? "t0" : `time ${k - 1}`}, which is ${known[k - 1]}`
        : undefined,
    notes: ["the solution is computed forwards: sort the times; they may repeat"],
  });
}

function optionsOf(c: Context, e: Call): OdeOptions {
  const given = (name: string) => e.arguments.find((a) => a.name?.name === name)?.value;
  const usual = (name: string) => odeOptions.find((o) => o.name === name)?.default;
  const number = (name: string): number => {
    const value = given(name);
    if (!value) return Number(usual(name));
    const known = knownOf(evaluate(c, value));
    if (known === null || known.length !== 1)
      return reject(bindCodes.constant, value.span, `${name} is one number, known from the data, the same in every iteration`);
    if (!(known[0] > 0)) return reject(bindCodes.value, value.span, `${name} is ${known[0]}`, { label: "must be positive" });
    return known[0];
  };
  const text = given("method");
  const method = odeMethods.find((m) => m === (text?.kind === "string" ? text.value : usual("method")));
  if (!method) return reject(bindCodes.type, e.span, `${odeName} has no such method`);
  return { method, rtol: number("rtol"), atol: number("atol"), steps: number("steps") };
}
