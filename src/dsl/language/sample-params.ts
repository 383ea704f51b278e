// A model whose params are latents, for samplers (language.md rule 39): each has its ~, or Flat() over its type.
import type { SourceSpan } from "../../runtime/source.ts";
import type { Argument, Call, ModelFile, ParamStatement, Statement } from "./ast.ts";

/** The file without guide and objective, and without params that nothing else mentions; undefined if there is no param. */
export function sampleParams(file: ModelFile): ModelFile | undefined {
  const isParam = (s: Statement): s is ParamStatement => s.kind === "param";
  const params = file.statements.filter(isParam).flatMap((s) => s.declarations);
  if (params.length === 0) return undefined;
  const rest = file.statements.filter((s) => !isParam(s) && s.kind !== "guide" && s.kind !== "reverse" && s.kind !== "objective");
  const { mentioned, given } = namesOf(rest);
  const needed = new Set(mentioned);
  // Sizes and bounds of one may name another.
  for (const p of [...params].reverse()) if (needed.has(p.name.name)) for (const n of namesOf(p.type).mentioned) needed.add(n);
  const latents = params
    .filter((p) => needed.has(p.name.name))
    .map(
      ({ name, type, span }): Statement =>
        given.has(name.name)
          ? { kind: "declare", name, type, span }
          : {
              kind: "sample",
              target: { kind: "name", name: name.name, span: name.span },
              place: { name, subscripts: [], span: name.span },
              type,
              distribution: flat(span),
              span,
            },
    );
  // A latent stands before its use, a param may stand anywhere.
  return {
    ...file,
    statements: [
      ...latents,
      ...withArguments(
        rest,
        params.map((p) => p.name.name),
      ),
    ],
  };
}

/** Functions see params and no latents: those that read some are given them as further arguments, wherever they are called. */
function withArguments(statements: readonly Statement[], latents: readonly string[]): readonly Statement[] {
  const functions = statements.filter((s) => s.kind === "fn");
  const reads = new Map(
    functions.map((f) => {
      const { mentioned } = namesOf(f.body);
      const own = new Set(f.parameters.map((p) => p.name));
      return [f.name.name, new Set(latents.filter((name) => mentioned.has(name) && !own.has(name)))];
    }),
  );
  // What a function calls reads, it reads.
  for (let grew = true; grew; ) {
    grew = false;
    for (const f of functions)
      for (const callee of namesOf(f.body).called)
        for (const name of reads.get(callee) ?? []) {
          const own = reads.get(f.name.name);
          grew ||= own?.has(name) === false;
          own?.add(name);
        }
  }
  const rewritten = <T>(x: T): T => {
    if (Array.isArray(x)) return x.map(rewritten) as T;
    if (typeof x !== "object" || x === null) return x;
    const copy = Object.fromEntries(Object.entries(x).map(([key, child]) => [key, rewritten(child)])) as T;
    return isCall(copy) ? { ...copy, arguments: [...copy.arguments, ...further(copy)] } : copy;
  };
  const further = ({ callee, span }: Call): Argument[] =>
    [...(reads.get(callee.name) ?? [])].map((name) => ({ value: { kind: "name", name, span }, span }));
  return rewritten(statements).map((s) =>
    s.kind === "fn"
      ? {
          ...s,
          parameters: [...s.parameters, ...[...(reads.get(s.name.name) ?? [])].map((name) => ({ name, span: s.name.span }))],
        }
      : s,
  );
}
const isCall = (x: unknown): x is Call => typeof x === "object" && x !== null && "kind" in x && x.kind === "call";

const flat = (span: SourceSpan) => ({
  prefix: [],
  call: { kind: "call" as const, callee: { name: "Flat", span }, arguments: [], span },
  span,
});

/** Names that a part of the tree reads, those that its ~ statements give, and the functions that it calls. */
function namesOf(root: unknown): { readonly mentioned: Set<string>; readonly given: Set<string>; readonly called: Set<string> } {
  const mentioned = new Set<string>();
  const called = new Set<string>();
  const given = new Set<string>();
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) return x.forEach(visit);
    if (typeof x !== "object" || x === null) return;
    if ("kind" in x && x.kind === "name" && "name" in x && typeof x.name === "string") mentioned.add(x.name);
    if (isCall(x)) called.add(x.callee.name);
    if ("kind" in x && x.kind === "sample") {
      const { place } = x as Extract<Statement, { kind: "sample" }>;
      if (place) given.add(place.name.name);
    }
    for (const child of Object.values(x)) visit(child);
  };
  visit(root);
  return { mentioned, given, called };
}
