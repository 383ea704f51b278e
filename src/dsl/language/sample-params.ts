// A model whose params are latents, for samplers (language.md rule 39): each has its ~, or Flat() over its type.
import type { SourceSpan } from "../../runtime/source.ts";
import type { ModelFile, ParamStatement, Statement } from "./ast.ts";

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
  return { ...file, statements: [...latents, ...rest] };
}

const flat = (span: SourceSpan) => ({
  prefix: [],
  call: { kind: "call" as const, callee: { name: "Flat", span }, arguments: [], span },
  span,
});

/** Names that a part of the tree reads or gives, and those that its ~ statements give. */
function namesOf(root: unknown): { readonly mentioned: Set<string>; readonly given: Set<string> } {
  const mentioned = new Set<string>();
  const given = new Set<string>();
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) return x.forEach(visit);
    if (typeof x !== "object" || x === null) return;
    if ("kind" in x && x.kind === "name" && "name" in x && typeof x.name === "string") mentioned.add(x.name);
    if ("kind" in x && x.kind === "sample") {
      const { place } = x as Extract<Statement, { kind: "sample" }>;
      if (place) given.add(place.name.name);
    }
    for (const child of Object.values(x)) visit(child);
  };
  visit(root);
  return { mentioned, given };
}
