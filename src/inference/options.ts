// Options of an engine: what the user gave, checked against the schema, with defaults for the rest.
import { UsageError, unreachable } from "../runtime/errors.ts";
import type { Engine, Option, OptionSchema, Options } from "./engine.ts";

/** The name as a flag: targetAccept is --target-accept. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function defaultsOf<const S extends OptionSchema>(schema: S): Options<S> {
  // A default is of the type that its option says.
  return Object.fromEntries(Object.entries(schema).map(([name, option]) => [name, option.default])) as Options<S>;
}

/** Values may be strings, as a command line has them. Throws a UsageError that names the option, its
 *  limits, or the options that there are. */
export function resolveOptions<S extends OptionSchema>(engine: Engine<S>, given: Readonly<Record<string, unknown>>): Options<S> {
  const schema: OptionSchema = engine.options;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(schema, name) && given[name] !== undefined)
      throw new UsageError(
        `the engine ${engine.name} has no option ${flagOf(name)}; it has ${Object.keys(schema).map(flagOf).join(", ")}`,
      );
  }
  const resolved: Record<string, number | boolean | string> = {};
  for (const [name, option] of Object.entries(schema))
    resolved[name] = given[name] === undefined ? option.default : checkedValue(name, option, given[name]);
  // Every key of S has been given a value of its type just above.
  return resolved as Options<S>;
}

function checkedValue(name: string, option: Option, given: unknown): number | boolean | string {
  const fail = (expected: string): never => {
    throw new UsageError(`${flagOf(name)} must be ${expected}, not ${String(given)}`);
  };
  switch (option.type) {
    case "number":
    case "integer": {
      const value = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
      const what = `${option.type === "integer" ? "an integer" : "a number"}${rangeOf(option)}`;
      if (typeof value !== "number" || !Number.isFinite(value)) return fail(what);
      if (option.type === "integer" && !Number.isInteger(value)) return fail(what);
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = option;
      const isExclusive = option.type === "number" && option.exclusive === true;
      if (value < min || value > max || (isExclusive && (value === min || value === max))) return fail(what);
      return value;
    }
    case "boolean":
      if (given === true || given === "true") return true;
      return given === false || given === "false" ? false : fail("true or false");
    case "choice":
      return typeof given === "string" && option.choices.includes(given) ? given : fail(`one of ${option.choices.join(", ")}`);
    case "string":
      return String(given);
    default:
      return unreachable(option, "option type");
  }
}

function rangeOf(option: Extract<Option, { type: "number" | "integer" }>): string {
  const { min, max } = option;
  const isExclusive = option.type === "number" && option.exclusive === true;
  if (min !== undefined && max !== undefined)
    return isExclusive ? ` between ${min} and ${max}, exclusively` : ` from ${min} to ${max}`;
  if (min !== undefined) return isExclusive ? ` above ${min}` : ` of at least ${min}`;
  return max === undefined ? "" : isExclusive ? ` below ${max}` : ` of at most ${max}`;
}
