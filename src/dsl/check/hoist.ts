// What is in force in the whole file wherever it stands: imports, functions, densities, data, sizes, consts, params, nets.
import type { SourceSpan } from "../diagnostics.ts";
import { editDistance } from "../did-you-mean.ts";
import { atomDimension, constantOfDimension } from "../dimensions.ts";
import {
  type DataStatement,
  type DensityStatement,
  type Expression,
  eachChild,
  type FunctionStatement,
  type Identifier,
  type ImportStatement,
  type ModelFile,
  type NetStatement,
  type Statement,
} from "../language/ast.ts";
import { nonnegative } from "../ranges.ts";
import type { Context } from "./context.ts";
import { declaredType } from "./declared-types.ts";
import { infer } from "./expressions.ts";
import type { Report } from "./report.ts";
import { type Entry, type EntryKind, kindWords, type Scope } from "./scope.ts";
import { describeStatement } from "./statement-words.ts";
import { nothingVaries, numberType, unknownType, type ValueType } from "./value-type.ts";

/** Finds an imported file: its statements, or why there are none. Paths are relative to the file that imports. */
export type ResolveImport = (
  path: string,
  from: number,
) => { readonly file: ModelFile; readonly sourceIndex: number } | { readonly problem: string };

/** fn, density, const and net of imported files in front of the file's own statements (rule 37). `chain`: the files whose imports lead here;
 *  `merged`: those that are merged, and are so once. */
export function mergeImports(
  report: Report,
  file: ModelFile,
  resolve: ResolveImport | undefined,
  index: number,
  chain: readonly number[],
  merged = new Set<number>(),
): readonly Statement[] {
  const brought: Statement[] = [];
  for (const s of file.statements) {
    if (s.kind === "import") brought.push(...imported(report, s, resolve, index, chain, merged));
  }
  return [...brought, ...file.statements.filter((s) => s.kind !== "import")];
}
function imported(
  report: Report,
  s: ImportStatement,
  resolve: ResolveImport | undefined,
  index: number,
  chain: readonly number[],
  merged: Set<number>,
): readonly Statement[] {
  const found = resolve ? resolve(s.path.value, index) : { problem: "files cannot be read here" };
  if ("problem" in found) {
    report.error("PPL222", s.path.span, `${s.path.value} cannot be imported`, { label: found.problem });
    return [];
  }
  if (chain.includes(found.sourceIndex)) {
    report.error("PPL222", s.path.span, `${s.path.value} imports itself`, {
      label: chain.length > 1 ? "by way of other files" : "the file is this one",
    });
    return [];
  }
  // By two ways, or twice: the file's names are there already.
  if (merged.has(found.sourceIndex)) return [];
  merged.add(found.sourceIndex);
  const all = mergeImports(report, found.file, resolve, found.sourceIndex, [...chain, found.sourceIndex], merged);
  const useful: readonly Statement[] = all.filter(
    (x) => x.kind === "fn" || x.kind === "density" || x.kind === "const" || x.kind === "net",
  );
  const other = all.find((x) => x.span.file === found.sourceIndex && !useful.includes(x));
  if (other) {
    report.warning("PPL222", s.path.span, `${s.path.value} holds ${describeStatement(other)}`, {
      label: "an import brings fn, density, const and net, nothing else",
    });
  }
  return useful;
}

export interface Callables {
  readonly functions: Map<string, FunctionStatement>;
  readonly densities: Map<string, DensityStatement>;
  readonly nets: Map<string, NetStatement>;
}
export function collectCallables(report: Report, statements: readonly Statement[]): Callables {
  const functions = new Map<string, FunctionStatement>();
  const densities = new Map<string, DensityStatement>();
  const nets = new Map<string, NetStatement>();
  for (const s of statements) {
    if (s.kind !== "fn" && s.kind !== "density" && s.kind !== "net") continue;
    const name = s.name.name;
    const before = functions.get(name) ?? densities.get(name) ?? nets.get(name);
    if (before) {
      report.error("PPL202", s.name.span, `${name} is defined twice`, { label: `also on ${report.line(before.span, s.span)}` });
      continue;
    }
    if (s.kind === "net") {
      nets.set(name, s);
      continue;
    }
    if (s.kind === "fn") functions.set(name, s);
    else densities.set(name, s);
    const names = s.kind === "fn" ? s.parameters : [s.variable.name, ...s.parameters.map((p) => p.name)];
    names.forEach((p, i) => {
      if (names.findIndex((q) => q.name === p.name) < i)
        report.error("PPL202", p.span, `${name} has two parameters ${p.name}`, { label: "each needs its own name" });
    });
  }
  return { functions, densities, nets };
}

/** Where each name that statements give is first given. */
export function collectDefinitions(statements: readonly Statement[]): Map<string, SourceSpan> {
  const found = new Map<string, SourceSpan>();
  const note = (id: Identifier): void => {
    if (!found.has(id.name)) found.set(id.name, id.span);
  };
  const visit = (s: Statement): void => {
    if (s.kind === "let" || s.kind === "quantity" || s.kind === "predict") note(s.place.name);
    else if (s.kind === "sample" && s.place) note(s.place.name);
    else if (s.kind === "declare") note(s.name);
    else if (s.kind === "for") s.body.forEach(visit);
    else if (s.kind === "if") [...s.then, ...(s.else ?? [])].forEach(visit);
  };
  statements.forEach(visit);
  return found;
}

/** Enters data, sizes, consts, params and nets; types are worked out when first asked for, so that order does not matter. */
export function declareGlobals(c: Context, statements: readonly Statement[]): void {
  const { root, report } = c.session;
  const enter = (kind: EntryKind, name: Identifier, rest: Partial<Entry>, typeOf: (entry: Entry) => ValueType): void => {
    const before = root.here(name.name);
    if (before) {
      report.error("PPL202", name.span, `${name.name} is defined twice`, {
        label: `${name.name} is ${kindWords[before.kind]} on ${report.line(before.span, name.span)}`,
      });
      return;
    }
    const entry: Entry = { kind, name: name.name, span: name.span, type: unknownType, used: false, loops: [], ...rest };
    entry.resolve = lazily(c, entry, typeOf);
    root.set(entry);
    c.session.entries.push(entry);
  };
  for (const s of statements) {
    if (s.kind === "data") {
      for (const d of s.declarations) enter("data", d.name, { declared: d.type }, () => dataType(c, d));
    } else if (s.kind === "const") {
      for (const d of s.declarations) enter("const", d.name, { value: d.value }, (entry) => constType(c, entry, d.value));
    } else if (s.kind === "param") {
      for (const d of s.declarations) {
        enter("param", d.name, { declared: d.type }, () => {
          if (d.initial) infer({ ...c, inData: true }, d.initial);
          return { ...declaredType(c, d.type, { latentBounds: false }).type, stage: "latent" };
        });
      }
    }
  }
  readOffSizes(c, statements);
  for (const entry of [...root.entries()]) entry.resolve?.();
}

/** Runs once; a declaration in terms of itself is reported. */
function lazily(c: Context, entry: Entry, typeOf: (entry: Entry) => ValueType): () => void {
  let busy = false;
  return () => {
    if (busy) {
      c.session.report.error("PPL223", entry.span, `${entry.name} is declared in terms of itself`, {
        label: "sizes, bounds and consts must come from others",
      });
      entry.resolve = undefined;
      return;
    }
    busy = true;
    const type = typeOf(entry);
    if (entry.resolve) entry.type = type;
    entry.resolve = undefined;
  };
}

function dataType(c: Context, d: DataStatement["declarations"][number]): ValueType {
  const { type } = declaredType({ ...c, inData: true }, d.type, { latentBounds: false });
  const scalar = type.dtype === "int" && d.type.sizes.length === 0;
  return {
    ...type,
    stage: d.type.optional ? "latent" : "data",
    ...(scalar ? { value: atomDimension({ key: d.name.name, text: d.name.name, kind: "name" as const }) } : {}),
  };
}

/** A const that is a literal is a size of its own, since --set may change it; one made of others is what it says. */
function constType(c: Context, entry: Entry, value: Expression): ValueType {
  const type = infer({ ...c, inConst: true }, value);
  const usual = type.value && constantOfDimension(type.value);
  return usual === undefined
    ? type
    : { ...type, value: atomDimension({ key: entry.name, text: entry.name, kind: "name", usual }) };
}

/** Names in the sizes of data that nobody defines (rule 10). */
function readOffSizes(c: Context, statements: readonly Statement[]): void {
  const { root, report, definitions } = c.session;
  const declarations = statements.flatMap((s) => (s.kind === "data" ? s.declarations : []));
  const uses = new Map<string, { readonly span: SourceSpan; count: number; alone: boolean }>();
  const visit = (e: Expression, alone: boolean): void => {
    if (e.kind === "name" && !root.here(e.name) && !definitions.has(e.name)) {
      const before = uses.get(e.name);
      if (before) {
        before.count++;
        before.alone ||= alone;
      } else uses.set(e.name, { span: e.span, count: 1, alone });
    }
    eachChild(e, (x) => visit(x, false));
  };
  for (const d of declarations) for (const e of d.type.sizes) visit(e, true);
  for (const [name, use] of uses) {
    if (!use.alone) {
      report.error("PPL201", use.span, `${name} is not defined`, {
        label: "a size is read off the data only where it stands alone",
        notes: [`declare it: data ${name}: int`],
      });
    }
    enterSize(root, name, use.span, c);
  }
  for (const [name, use] of uses) warnOfNearSize(c, name, use, uses);
}

function enterSize(root: Scope, name: string, span: SourceSpan, c: Context): void {
  const type: ValueType = {
    ...numberType("int", nonnegative, "data"),
    value: atomDimension({ key: name, text: name, kind: "name" }),
    varies: nothingVaries,
  };
  const entry = root.set({ kind: "size", name, span, type, used: true, loops: [] });
  c.session.entries.push(entry);
}

function warnOfNearSize(
  c: Context,
  name: string,
  use: { readonly span: SourceSpan; readonly count: number },
  uses: ReadonlyMap<string, unknown>,
): void {
  if (name.length < 3 || use.count > 1) return;
  const sizes = [...c.session.root.entries()].filter(
    (e) => e.name !== name && (e.kind === "const" || e.kind === "data" || uses.has(e.name)),
  );
  const near = sizes.find((e) => editDistance(name, e.name, 2) <= 1);
  if (!near) return;
  c.session.report.warning("PPL217", use.span, `${name} is a size of its own`, {
    label: `nothing declares it; did you mean ${near.name}?`,
    notes: [`declare it if it is meant: data ${name}: int`],
  });
}
