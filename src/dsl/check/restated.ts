// prior(z1) in a guide: the distribution that the model gives a latent, at the guide's draws (language.md rule 49).
import type { Call, Expression, Place } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { type DistributionType, shapeOfDistribution } from "./distribution-type.ts";
import { infer } from "./expressions.ts";
import { Scope } from "./scope.ts";

export const PRIOR = "prior";

/** A distribution for some elements of a latent in which `prior(z)`, of the whole latent, means that of these elements; the same call where there
 *  is none, since facts are noted of calls. */
export function aboutElements(call: Call, place: Place): Call {
  if (place.subscripts.length === 0) return call;
  const name: Expression = { kind: "name", name: place.name.name, span: place.name.span };
  const elements: Expression = { kind: "index", base: name, subscripts: place.subscripts, span: place.span };
  const isPrior = call.callee.name === PRIOR;
  const given = call.arguments.map((a) => {
    const value = a.value.kind === "call" ? aboutElements(a.value, place) : a.value;
    if (isPrior && value.kind === "name" && value.name === place.name.name) return { ...a, value: elements };
    return value === a.value ? a : { ...a, value };
  });
  return given.some((a, i) => a !== call.arguments[i]) ? { ...call, arguments: given } : call;
}

export function inferPrior(c: Context, call: Call): DistributionType | undefined {
  const { report } = c.session;
  const [argument] = call.arguments;
  const of = argument?.value.kind === "index" ? argument.value.base : argument?.value;
  if (c.guide?.part !== "guide") {
    report.error("PPL516", call.callee.span, "prior(…) stands outside of a guide", {
      label: "a guide restates with it what the model gives a latent variable",
    });
    return undefined;
  }
  const latent = of?.kind === "name" ? c.guide.latents.get(of.name) : undefined;
  if (!latent || of?.kind !== "name" || argument.name || call.arguments.length !== 1) {
    report.error("PPL516", call.span, "prior takes one latent variable of the model, or elements of it", {
      label: "it is prior(z) or prior(z[n])",
      notes:
        c.guide.latents.size > 0 ? [`the model's latent variables are ${[...c.guide.latents.keys()].join(", ")}`] : undefined,
    });
    return undefined;
  }
  const { laws } = latent;
  // What the guide has drawn of it so far does not matter.
  const scope = new Scope(c.scope);
  scope.set({ ...latent, loops: [], used: true, given: true });
  const { shape, varies } = infer({ ...c, scope }, argument.value);
  if (!laws || laws.length === 0) return undefined;
  const [law] = laws;
  const every = (fact: "normalised" | "cdf" | "ccdf" | "quantile" | "affine" | "sampler" | "declaredSupport"): boolean =>
    laws.every((d) => d[fact]);
  const event = laws.every((d) => d.event === law.event) ? law.event : 0;
  if (shape && shape.length < event) {
    report.error("PPL516", argument.span, `${report.text(argument.span)} is a part of what ${law.name} gives as one`, {
      label: `${law.name} is over ${event === 1 ? "vectors" : "matrices"}`,
    });
    return undefined;
  }
  return {
    ...law,
    name: `${PRIOR}(${latent.name})`,
    event,
    batch: shape?.slice(0, shape.length - event),
    eventShape: shape?.slice(shape.length - event) ?? shapeOfDistribution(law)?.slice(-event),
    range: latent.type.range,
    normalised: every("normalised"),
    declaredSupport: every("declaredSupport"),
    cdf: every("cdf"),
    ccdf: every("ccdf"),
    quantile: every("quantile"),
    affine: every("affine"),
    sampler: every("sampler"),
    sizeless: false,
    plainMatrixScale: false,
    symmetricAbout: undefined,
    stage: "latent",
    varies,
  };
}
