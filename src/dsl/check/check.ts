// The checker: from the AST of a file to a checked model, all mistakes reported in one run.

import type { Constraint } from "../constraints/define.ts";
import { constraints } from "../constraints/index.ts";
import type { Outcome, Source } from "../diagnostics.ts";
import type { Distribution } from "../distributions/define.ts";
import { distributions } from "../distributions/index.ts";
import type { ModelFile, Statement } from "../language/ast.ts";
import { checkOnce } from "./calls.ts";
import type { CheckedModel, ModelSymbol } from "./checked-model.ts";
import type { Context, Session } from "./context.ts";
import { checkGuides } from "./guides.ts";
import { collectCallables, collectDefinitions, declareGlobals, mergeImports, type ResolveImport } from "./hoist.ts";
import { checkNets } from "./nets.ts";
import { Report } from "./report.ts";
import { type Entry, kindWords, Scope } from "./scope.ts";
import { checkStatements } from "./statements.ts";
import { isUnknown } from "./value-type.ts";

export interface CheckOptions {
  /** Reading files is the caller's: it appends the sources it reads to `sources`, and answers with the file's index there. */
  readonly resolveImport?: ResolveImport;
  /** Names that the data file has, if there is one: nothing is warned of as unused then. */
  readonly distributions?: ReadonlyMap<string, Distribution>;
  readonly constraints?: ReadonlyMap<string, Constraint>;
}

/** `sources` may grow while imports are resolved. The value is there if nothing is an error. */
export function checkModel(
  name: string,
  sources: readonly Source[],
  file: ModelFile,
  options: CheckOptions = {},
): Outcome<CheckedModel> {
  const report = new Report(sources);
  const own = file.span.file;
  const statements = mergeImports(report, file, options.resolveImport, own, [own]);
  const { functions, densities, nets } = collectCallables(report, statements);
  const root = new Scope();
  const session: Session = {
    report,
    sources,
    root,
    functions,
    densities,
    nets,
    netLayers: new Map(),
    distributions: options.distributions ?? distributions,
    constraints: options.constraints ?? constraints,
    checked: new Set(),
    called: new Set(),
    mentioned: new Set(),
    definitions: collectDefinitions(statements),
    entries: [],
    roles: new Map(),
    stages: new Map(),
    guides: [],
    matrixScales: new Set(),
    expansions: 0,
    next: 0,
  };
  const c: Context = {
    session,
    scope: root,
    loops: [],
    guarded: false,
    frames: [],
    perDraw: false,
    inData: false,
    inConst: false,
  };
  declareGlobals(c, statements);
  checkStatements(statements, c);
  checkGuides(c, session.guides, checkStatements);
  for (const f of functions.values()) checkOnce(c, f);
  checkNets(c);
  finish(session, statements, own);
  const diagnostics = report.diagnostics();
  if (report.failed) return { diagnostics };
  const model: CheckedModel = {
    name,
    sources,
    statements,
    symbols: symbolsOf(session, statements),
    functions,
    densities,
    nets,
    roles: session.roles,
    stages: session.stages,
    matrixScales: session.matrixScales,
  };
  return { value: model, diagnostics };
}

/** What can only be said at the end. */
function finish(session: Session, statements: readonly Statement[], own: number): void {
  const { report, entries } = session;
  for (const e of entries) {
    if (e.kind === "latent" && !e.given && !e.pending) {
      report.error("PPL503", e.span, `${e.name} is declared, and no ~ gives it a distribution`, {
        label: "a name without data is latent",
        notes: [`write ${e.name} ~ …, or data ${e.name}: … if it is observed`],
      });
    } else if (e.kind === "data" && e.declared?.optional && e.type.dtype === "real" && !e.given) {
      report.error("PPL507", e.span, `${e.name} may be missing, and has no ~`, {
        label: "missing entries are latent, and need a distribution",
        notes: [`write ${e.name} ~ …, or declare it without ?`],
      });
    } else if (
      !e.used &&
      e.span.file === own &&
      (e.kind === "data" || e.kind === "const" || e.kind === "let" || e.kind === "loop")
    ) {
      unused(session, e);
    }
  }
  if (report.incomplete) return;
  for (const s of statements) {
    if ((s.kind !== "fn" && s.kind !== "density" && s.kind !== "net") || session.called.has(s.name.name) || s.span.file !== own)
      continue;
    report.warning("PPL208", s.name.span, `${s.name.name} is never used`);
  }
}

function unused({ report, mentioned }: Session, e: Entry): void {
  if (report.incomplete) return;
  if (e.given || e.unknown || mentioned.has(e.name) || isUnknown(e.type) || (e.kind === "loop" && e.name.startsWith("_"))) return;
  report.warning("PPL208", e.span, `${e.name} is never used`, {
    label: e.kind === "loop" ? "every iteration does the same" : `it is ${kindWords[e.kind]}`,
  });
}

function symbolsOf(session: Session, statements: readonly Statement[]): ReadonlyMap<string, ModelSymbol> {
  const symbols = new Map<string, ModelSymbol>();
  const add = (s: ModelSymbol): void => {
    if (!symbols.has(s.name)) symbols.set(s.name, s);
  };
  for (const s of statements) {
    if (s.kind === "data")
      for (const d of s.declarations) add({ kind: "data", name: d.name.name, type: d.type, span: d.name.span });
    else if (s.kind === "const")
      for (const d of s.declarations) add({ kind: "const", name: d.name.name, value: d.value, span: d.name.span });
    else if (s.kind === "param") {
      for (const d of s.declarations)
        add({ kind: "param", name: d.name.name, type: d.type, initial: d.initial, span: d.name.span });
    }
  }
  for (const e of session.entries) {
    if (e.kind === "size") add({ kind: "size", name: e.name, span: e.span });
    else if (e.kind === "latent") add({ kind: "latent", name: e.name, declared: e.declared, span: e.span });
    else if (e.kind === "let" || e.kind === "quantity" || e.kind === "predict") add({ kind: e.kind, name: e.name, span: e.span });
  }
  return symbols;
}
