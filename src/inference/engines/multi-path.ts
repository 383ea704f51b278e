// Several paths of Pathfinder from random starts, on this thread; for the engine of that name, and to begin other fits where one ended.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { LogDensity } from "../../runtime/target.ts";
import type { Failure, RunEngineContext, Start } from "../engine.ts";
import { findStart } from "../hmc/start.ts";
import { followPath, type Path, type PathOptions } from "../optimize/path.ts";

export interface MultiPathOptions extends PathOptions {
  readonly paths: number;
  /** Of random starts; NaN where only given ones may be. */
  readonly radius: number;
}

/** Those that found a normal distribution; a failure where the first has no start. */
export async function multiPath(
  density: LogDensity,
  options: MultiPathOptions,
  rng: Rng,
  context: Pick<RunEngineContext, "stop" | "breathe" | "progress">,
  given: Start | undefined,
): Promise<{ readonly paths: readonly Path[]; readonly failure?: Failure }> {
  const { dimension } = density;
  const point = { position: new Float64Array(dimension), gradient: new Float64Array(dimension), logDensity: Number.NaN };
  const evaluator = {
    evaluate() {
      point.logDensity = density.evaluate(point.position, point.gradient);
    },
  };
  const paths: Path[] = [];
  for (let i = 0; i < options.paths && !context.stop(); i++) {
    const stream = rng.split(`path ${i + 1}`);
    const start = i === 0 || Number.isNaN(options.radius) ? given : undefined;
    const failure = findStart(evaluator, point, options.radius, stream.split("start"), start);
    if (failure !== undefined) {
      if (paths.length === 0) return { paths, failure };
      continue;
    }
    const run = followPath(density, point.position, options, stream);
    let step = run.next();
    for (let count = 1; !step.done; count++) {
      context.progress({ chain: 1, phase: `path ${i + 1}, iteration ${count}`, done: i, total: options.paths, divergences: 0 });
      await context.breathe();
      step = run.next(!context.stop());
    }
    paths.push(step.value);
  }
  return { paths };
}

export const bestPath = (paths: readonly Path[]): Path | undefined =>
  paths.filter((p) => p.normal).reduce<Path | undefined>((best, p) => (best && best.elbo >= p.elbo ? best : p), undefined);
