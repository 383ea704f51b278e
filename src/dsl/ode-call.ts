// How a differential equation is written: ode(rhs, y0, t0, ts, args…, options), and what the options are.
import { methods, type OdeMethod } from "../runtime/ir/ode/methods.ts";

export const odeName = "ode";
/** Positional arguments in front of those of the right-hand side. */
export const odeParameters = ["rhs", "y0", "t0", "ts"] as const;
export const odeUsage = "ode(rhs, y0, t0, ts, …)";
export const odeDoc =
  "The solution of dy/dt = rhs(t, y, …), y(t0) = y0, at the times ts, a row each; rtol =, atol =, steps = and method = are its options.";

interface OdeOption {
  readonly name: "rtol" | "atol" | "steps" | "method";
  readonly default: number | OdeMethod;
  readonly doc: string;
}
export const odeOptions: readonly OdeOption[] = [
  { name: "rtol", default: 1e-6, doc: "the error of a step that is accepted is at most atol + rtol |y|, in each component" },
  { name: "atol", default: 1e-6, doc: "the same, where a component is near to 0" },
  {
    name: "steps",
    default: 100_000,
    doc: "steps that may be tried from one of the times to the next; then the solution is NaN",
  },
  {
    name: "method",
    default: "dopri5",
    doc: '"dopri5", explicit, of order 5; "rosenbrock", of order 4, for stiff equations: components that decay much faster than the solution changes',
  },
];
export { methods as odeMethods };
