// Loads TensorFlow in one of its three forms, and makes a backend of it. Nothing else imports it at run time, and this only when asked.
import type { KernelBackend } from "@tensorflow/tfjs-core";
import type { Backend, Executable } from "../backend.ts";
import { InternalError, UsageError } from "../errors.ts";
import { createBuilder } from "../ir/builder.ts";
import { type CoreLibrary, coreTarget } from "./core-target.ts";
import { GraphExecutable, type Sessions } from "./graph-executable.ts";
import { PatientExecutable } from "./patient-executable.ts";
import { type Plan, planFor } from "./plan.ts";
import { PlanExecutable } from "./plan-executable.ts";
import type { Target } from "./target.ts";
import type { TensorExecutable } from "./tensor-executable.ts";
import { type Binding, tensorflowTarget } from "./tensorflow-target.ts";
import { cpuTraits, tensorflowTraits, wasmTraits } from "./traits.ts";

export type TfjsName = "tensorflow" | "tfjs-wasm" | "tfjs-cpu";
/** The faster ones first. */
export const tfjsNames: readonly TfjsName[] = ["tensorflow", "tfjs-wasm", "tfjs-cpu"];

export interface TfjsBackend extends Backend {
  readonly name: TfjsName;
  /** Of the library that computes. */
  readonly version: string;
  /** Tensors alive in the library, whoever made them. */
  tensors(): number;
  /** The same library used in ways that are for machines unlike this one; for tests. */
  readonly variants: readonly Backend[];
}

const loaded = new Map<TfjsName, Promise<TfjsBackend>>();

/** The backend, tried by running a program. Rejects with a UsageError that says why it does not load. */
export function loadTfjs(name: TfjsName): Promise<TfjsBackend> {
  let promise = loaded.get(name);
  if (promise === undefined) loaded.set(name, (promise = attempt(name)));
  return promise;
}

/** Seconds after which an import that has not ended never will. */
const PATIENCE = 60;

async function attempt(name: TfjsName): Promise<TfjsBackend> {
  try {
    return await inTime(name === "tensorflow" ? native() : core(name), PATIENCE);
  } catch (cause) {
    // What the library says, where a program of ours stopped for it.
    const reason = cause instanceof InternalError && cause.cause !== undefined ? cause.cause : cause;
    const [text] = (reason instanceof Error ? reason.message : String(reason)).split("\n");
    const absent = /^Cannot find (?:package|module) '([^']+)'/.exec(text)?.[1];
    throw new UsageError(`${name} does not load: ${absent === undefined ? text : `${absent} is not installed`}`, { cause });
  }
}

async function inTime<T>(work: Promise<T>, seconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), 1000 * seconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What is used of tfjs-core. */
interface Core extends CoreLibrary {
  enableProdMode(): void;
  getBackend(): string | undefined;
  setBackend(name: string): Promise<boolean>;
  findBackend(name: string): KernelBackend | null;
  readonly version_core: string;
}

/** Imports by names in variables: literal ones would have to be installed where types are checked. */
async function imported<T>(name: string): Promise<T> {
  const module = (await import(name)) as { readonly default?: T };
  return module.default ?? (module as T);
}

/** A backend of the library started and handed out; the one that was set stays set. One at a time: the library forgets a backend that is
 *  still starting when the next one does. */
let turn: Promise<unknown> = Promise.resolve();
function started(library: Core, name: string, start: () => Promise<unknown>): Promise<KernelBackend> {
  const work = turn.then(async () => {
    const before = library.getBackend();
    await start();
    const backend = library.findBackend(name);
    if (backend === null) throw new Error(`the library has no backend ${name}`);
    if (before !== undefined && before !== null && before !== library.getBackend()) await library.setBackend(before);
    return backend;
  });
  turn = work.catch(() => undefined);
  return work;
}

async function core(name: "tfjs-wasm" | "tfjs-cpu"): Promise<TfjsBackend> {
  const packages = { "tfjs-wasm": "@tensorflow/tfjs-backend-wasm", "tfjs-cpu": "@tensorflow/tfjs-backend-cpu" };
  const library = await imported<Core>(CORE);
  library.enableProdMode();
  const isWasm = name === "tfjs-wasm";
  const backend = await started(library, isWasm ? "wasm" : "cpu", async () => {
    await import(packages[name]);
    if (isWasm) await library.setBackend("wasm");
  });
  const target = coreTarget(name, library, isWasm ? "wasm" : "cpu", backend, isWasm ? wasmTraits : cpuTraits);
  return backendOf(name, library.version_core, target, () => backend.numDataIds());
}
const CORE = "@tensorflow/tfjs-core";

async function native(): Promise<TfjsBackend> {
  const { beforeTensorflow, inFolder } = await import("../platform/tensorflow.ts");
  await beforeTensorflow();
  const library = await imported<Core>(CORE);
  const addon = "@tensorflow/tfjs-node";
  const backend = await started(library, "tensorflow", () => import(addon));
  // A property of NodeJSKernelBackend, whose types come with tfjs-node alone.
  const { binding } = backend as KernelBackend & { readonly binding: Binding };
  const target = tensorflowTarget(binding, tensorflowTraits);
  const sessions: Sessions = {
    load: (model) => inFolder("saved_model.pb", model, (folder) => binding.loadSavedModel(folder, "serve")),
    run: (session, feeds, feedNames, resultNames) => binding.runSavedModel(session, feeds, feedNames, resultNames),
    close: (session) => binding.deleteSavedModel(session),
  };
  const compiled = await takes(target, (plan) => new GraphExecutable(plan, target, sessions, true));
  const whole = compiled || (await takes(target, (plan) => new GraphExecutable(plan, target, sessions, false)));
  const executable = (plan: Plan): Executable => {
    const asGraph = (like?: TensorExecutable<number>) => new GraphExecutable(plan, target, sessions, compiled, like);
    if (!whole || !isGraph(plan)) return new PlanExecutable(plan, target);
    return isTraining(plan) ? asGraph() : new PatientExecutable(new PlanExecutable(plan, target), asGraph);
  };
  const variant = (name: string, form: (plan: Plan) => Executable): Backend => ({
    name,
    epsilon: EPSILON,
    compile: async (program) => form(planFor(program, target.traits)),
  });
  const variants = [
    variant("tensorflow without XLA", (plan) =>
      isGraph(plan) && isTraining(plan) ? new GraphExecutable(plan, target, sessions, false) : new PlanExecutable(plan, target),
    ),
    variant("tensorflow step by step", (plan) => new PlanExecutable(plan, target)),
  ];
  const version = `${binding.TF_Version}${compiled ? " with XLA" : whole ? " without XLA" : ", step by step"}`;
  return backendOf("tensorflow", version, target, () => binding.getNumOfTensors(), executable, variants);
}

/** Whether a small training step comes out right: a library may have been built without XLA. */
async function takes(target: Target<number>, executable: (plan: Plan) => Executable): Promise<boolean> {
  const b = createBuilder();
  const x = b.input("x", { shape: [2], dtype: "real" });
  const plan = planFor({ inputs: [], outputs: [b.sum(x)], updates: [[x, b.add(x, b.constant(3))]] }, target.traits);
  try {
    const e = executable(plan);
    e.run();
    const [first, second] = await e.read("x");
    e.dispose();
    return first === 3 && second === 3 && e.outputs[0][0] === 0;
  } catch {
    return false;
  }
}

/** A step on the host would cut the graph in two. */
const isGraph = ({ steps }: Plan): boolean => steps.length > 0 && steps.every((s) => s.operation.kind !== "host");
/** Compiling takes XLA some tenths of a second: it pays for what runs thousands of times, as does what updates its residents. */
const isTraining = ({ updates }: Plan): boolean => updates.length > 0;

/** Tried by running a program: an import alone proves nothing. */
function backendOf<H>(
  name: TfjsName,
  version: string,
  target: Target<H>,
  tensors: () => number,
  executable: (plan: Plan) => Executable = (plan) => new PlanExecutable(plan, target),
  variants: readonly Backend[] = [],
): TfjsBackend {
  const backend: TfjsBackend = {
    name,
    version,
    epsilon: EPSILON,
    tensors,
    variants,
    compile: async (program) => executable(planFor(program, target.traits)),
  };
  const b = createBuilder();
  const x = b.input("x", { shape: [2], dtype: "real" });
  const e = executable(planFor({ inputs: [x], outputs: [b.square(x), b.sum(x)], updates: [] }, target.traits));
  try {
    e.inputs.x.set([1, 2]);
    e.run();
    const found = e.outputs.map((y) => [...y]).join("; ");
    if (found !== "1,4; 3") throw new Error(`the squares and the sum of 1 and 2 are ${found} there`);
  } finally {
    e.dispose();
  }
  return backend;
}
/** Of float32: 2^-23. */
const EPSILON = 1.1920928955078125e-7;
