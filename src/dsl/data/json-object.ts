// Fields of a JSON object that a stranger may have written: of the kind that is asked for, or a sentence.
import { UsageError } from "../../runtime/errors.ts";

export class JsonObject {
  readonly #where: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(where: string, value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UsageError(`${where} is not an object`);
    this.#where = where;
    this.#fields = value as Record<string, unknown>;
  }
  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }
  number(name: string): number {
    return this.#field(name, "a number", (x) => typeof x === "number") as number;
  }
  text(name: string): string {
    return this.#field(name, "a text", (x) => typeof x === "string") as string;
  }
  numbers(name: string): readonly number[] {
    return this.#field(name, "a list of numbers", (x) => Array.isArray(x) && x.every((n) => typeof n === "number")) as number[];
  }
  /** The same where null stands for what is not finite: NaN. */
  numbersOrNone(name: string): readonly number[] {
    const isOne = (x: unknown): boolean => x === null || typeof x === "number";
    const all = this.#field(name, "a list of numbers", (x) => Array.isArray(x) && x.every(isOne)) as (number | null)[];
    return all.map((x) => x ?? Number.NaN);
  }
  texts(name: string): readonly string[] {
    return this.#field(name, "a list of texts", (x) => Array.isArray(x) && x.every((t) => typeof t === "string")) as string[];
  }
  object(name: string): JsonObject {
    return new JsonObject(
      `${name} of ${this.#where}`,
      this.#field(name, "an object", (x) => typeof x === "object"),
    );
  }
  objects(name: string): JsonObject[] {
    const all = this.#field(name, "a list", Array.isArray) as unknown[];
    return all.map((x, i) => new JsonObject(`${name}[${i + 1}] of ${this.#where}`, x));
  }
  names(): readonly string[] {
    return Object.keys(this.#fields);
  }
  /** Its own fields that are numbers. */
  allNumbers(): [string, number][] {
    return Object.entries(this.#fields).filter((e): e is [string, number] => typeof e[1] === "number");
  }
  #field(name: string, what: string, is: (x: unknown) => boolean): unknown {
    const value = this.has(name) ? this.#fields[name] : undefined;
    if (!is(value)) throw new UsageError(`${this.#where} has no ${name} that is ${what}`);
    return value;
  }
}

/** `file`: for messages. */
export function readJsonObject(file: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is not JSON: it is cut off or damaged`);
  }
  return new JsonObject(file, value);
}
