// The modules of src as their text has them: what each imports, and a walk over its syntax tree. For tests of the architecture.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseAst } from "vitest/node";

export interface Import {
  readonly specifier: string;
  /** Path of the module from the root of the repository, when the specifier is relative. */
  readonly target?: string;
  /** Erased by the compiler. */
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}
/** A node of the tree: ESTree with types. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}
export interface Module {
  /** With slashes, from the root of the repository: "src/model.ts". */
  readonly path: string;
  readonly text: string;
  readonly tree: Syntax;
  readonly imports: readonly Import[];
}

export const root = fileURLToPath(new URL("..", import.meta.url));

/** All files below a folder of the repository, with slashes. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => `${f.parentPath}/${f.name}`.replaceAll("\\", "/").slice(root.length).replace(/^\/+/, ""))
    .sort();

export const readSources = (): Module[] =>
  filesBelow("src")
    .filter((path) => path.endsWith(".ts"))
    .map((path) => moduleOf(path, readFileSync(`${root}${path}`, "utf8")));

export function moduleOf(path: string, text: string): Module {
  // ESTree has no common type that can be walked by its keys.
  const tree = parseAst(text, { lang: "ts" }, path) as unknown as Syntax;
  return { path, text, tree, imports: importsOf(path, tree) };
}

/** Every node, parents before children. */
export function eachNode(node: Syntax, visit: (node: Syntax, parent: Syntax | undefined) => void, parent?: Syntax): void {
  visit(node, parent);
  for (const child of Object.values(node)) {
    if (Array.isArray(child)) for (const x of child) if (isSyntax(x)) eachNode(x, visit, node);
    if (isSyntax(child)) eachNode(child, visit, node);
  }
}
const isSyntax = (x: unknown): x is Syntax =>
  typeof x === "object" && x !== null && "type" in x && typeof x.type === "string" && "start" in x;

export const lineOf = (module: Module, node: Syntax): number => module.text.slice(0, node.start).split("\n").length;

/** A string literal's text, when that is what the node is. */
export const literalOf = (node: unknown): string | undefined =>
  isSyntax(node) && node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;

function importsOf(path: string, tree: Syntax): Import[] {
  const found: Import[] = [];
  eachNode(tree, (node) => {
    const specifier = literalOf(node.source);
    if (specifier === undefined) return;
    const dynamic = node.type === "ImportExpression";
    // `import { type A }` keeps its import when it is compiled; `import type` does not.
    const typeOnly = node.importKind === "type" || node.exportKind === "type" || node.type === "TSImportType";
    const relative = specifier.startsWith(".");
    found.push({ specifier, dynamic, typeOnly, ...(relative ? { target: resolve(path, specifier) } : {}) });
  });
  return found;
}

function resolve(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** The modules and packages that come with one, itself included, type imports apart. `dynamic`: what it may import later, too. */
export function reach(
  modules: readonly Module[],
  from: string,
  { dynamic }: { readonly dynamic: boolean },
): { readonly paths: ReadonlySet<string>; readonly packages: ReadonlyMap<string, string> } {
  const byPath = new Map(modules.map((m) => [m.path, m]));
  const paths = new Set<string>();
  const packages = new Map<string, string>();
  const pending = [from];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (paths.has(path)) continue;
    paths.add(path);
    for (const i of byPath.get(path)?.imports ?? []) {
      if (i.typeOnly || (i.dynamic && !dynamic)) continue;
      if (i.target !== undefined) pending.push(i.target);
      else packages.set(i.specifier, path);
    }
  }
  return { paths, packages };
}

/** Groups that all depend on one another, by Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972). */
export function cycles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];
  const visit = (v: string): void => {
    index.set(v, index.size);
    low.set(v, index.get(v)!);
    stack.push(v);
    for (const w of edges.get(v) ?? []) {
      if (!index.has(w)) visit(w);
      if (stack.includes(w)) low.set(v, Math.min(low.get(v)!, low.get(w)!));
    }
    if (low.get(v) !== index.get(v)) return;
    const group = stack.splice(stack.indexOf(v));
    if (group.length > 1) groups.push(group.sort());
  };
  for (const v of edges.keys()) if (!index.has(v)) visit(v);
  return groups;
}
