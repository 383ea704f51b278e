// Data in JSON as Stan reads it: one object of numbers and rectangular arrays; also bare NaN and Infinity, and null as missing.
import { UsageError } from "../../runtime/errors.ts";
import { Collector } from "./collector.ts";
import type { DataSet, DataValue } from "./value.ts";

const MAX_DEPTH = 16;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[+-]?[A-Za-z]+/y;
const BLANK = /[ \t\r\n]*/y;
const TEXT = /"((?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"/uy;

/** What stands for a number without being one, by its lower-case text. Stan accepts these as strings too. */
const WORDS: ReadonlyMap<string, number> = new Map([
  ["nan", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["+inf", Number.POSITIVE_INFINITY],
  ["infinity", Number.POSITIVE_INFINITY],
  ["+infinity", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
  ["-infinity", Number.NEGATIVE_INFINITY],
]);

/** `name`: of the file, for messages. Throws a UsageError with line and column, or with the path of the entry. */
export function readJson(name: string, text: string): DataSet {
  return new JsonReader(name, text).read();
}

class JsonReader {
  #at = 0;
  readonly #name: string;
  readonly #text: string;
  constructor(name: string, text: string) {
    this.#name = name;
    this.#text = text;
  }

  read(): DataSet {
    const out = new Map<string, DataValue>();
    this.#blank();
    if (this.#at >= this.#text.length) this.#fail('the file is empty; data are one object: { "N": 10, "y": [ … ] }');
    this.#expect("{", 'data are one object: { "N": 10, "y": [ … ] }');
    this.#blank();
    if (this.#peek() === "}") this.#at++;
    else {
      for (;;) {
        this.#blank();
        const key = this.#string("a name in quotes");
        if (out.has(key)) this.#fail(`${key} is there twice`);
        this.#blank();
        this.#expect(":", `a colon after ${JSON.stringify(key)}`);
        const variable = this.#variable(key);
        if (variable) out.set(key, variable);
        this.#blank();
        if (this.#peek() === ",") this.#at++;
        else {
          this.#expect("}", "a comma or the closing brace");
          break;
        }
      }
    }
    this.#blank();
    if (this.#at < this.#text.length) this.#fail("there is more text after the object");
    return out;
  }

  /** Texts, which no model can read, are passed over. */
  #variable(name: string): DataValue | undefined {
    const numbers = new Collector();
    const shape: number[] = [];
    this.#blank();
    if (this.#peek() === '"') {
      const before = this.#at;
      const text = this.#string("a value");
      if (!WORDS.has(text.toLowerCase()) && text !== "NA") return undefined;
      this.#at = before;
    }
    if (this.#peek() === "{") this.#fail(`${name} is an object; data are numbers and arrays of numbers`);
    this.#entry(name, [], shape, 0, numbers);
    return numbers.finish(shape);
  }

  #entry(name: string, path: number[], shape: number[], depth: number, into: Collector): void {
    this.#blank();
    if (this.#peek() !== "[") {
      if (depth < shape.length) this.#fail(`${show(name, path)} is a number where ${show(name, first(path))} is an array`);
      this.#number(name, path, into);
      return;
    }
    if (depth >= MAX_DEPTH) this.#fail(`${name} is nested more than ${MAX_DEPTH} deep`);
    if (depth === shape.length && into.length > 0)
      this.#fail(`${show(name, path)} is an array where ${show(name, first(path))} is a number`);
    this.#at++;
    const fresh = depth === shape.length;
    if (fresh) shape.push(-1);
    let count = 0;
    this.#blank();
    if (this.#peek() === "]") this.#at++;
    else {
      for (;;) {
        count++;
        path.push(count);
        this.#entry(name, path, shape, depth + 1, into);
        path.pop();
        this.#blank();
        const c = this.#peek();
        if (c === ",") this.#at++;
        else if (c === "]") {
          this.#at++;
          break;
        } else this.#fail(`a comma or ] is missing in ${name}`);
      }
    }
    if (shape[depth] === -1) shape[depth] = count;
    else if (shape[depth] !== count) {
      throw new UsageError(
        `${this.#name}: ${show(name, path)} has ${count} ${count === 1 ? "element" : "elements"} where ${show(name, first(path))} has ${shape[depth]}`,
      );
    }
  }

  #number(name: string, path: readonly number[], into: Collector): void {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match) {
      const [literal] = match;
      this.#at += literal.length;
      into.add(Number(literal), /^-?\d+$/.test(literal));
      return;
    }
    if (this.#peek() === '"') {
      const text = this.#string("a number");
      if (text === "NA") return into.addMissing();
      const value = WORDS.get(text.toLowerCase());
      if (value === undefined) this.#fail(`${show(name, path)} is the text ${JSON.stringify(text)}; data are numbers`);
      else into.add(value, false);
      return;
    }
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0];
    if (word === undefined)
      this.#fail(
        this.#at >= this.#text.length
          ? `the file ends inside ${name}: is it complete?`
          : `a number is expected for ${show(name, path)}`,
      );
    const value = WORDS.get(word.toLowerCase());
    this.#at += word.length;
    if (word === "null") into.addMissing();
    else if (word === "true" || word === "false") into.add(word === "true" ? 1 : 0, true);
    else if (value !== undefined) into.add(value, false);
    else this.#fail(`${show(name, path)} is ${word}; data are numbers`);
  }

  #string(what: string): string {
    TEXT.lastIndex = this.#at;
    const match = TEXT.exec(this.#text);
    if (!match)
      return this.#fail(this.#at >= this.#text.length ? "the file ends too early: is it complete?" : `${what} is expected`);
    this.#at += match[0].length;
    return match[1].includes("\\") ? (JSON.parse(match[0]) as string) : match[1];
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }
  #blank(): void {
    BLANK.lastIndex = this.#at;
    this.#at += BLANK.exec(this.#text)?.[0].length ?? 0;
  }
  #expect(sign: string, what: string): void {
    if (this.#peek() !== sign)
      this.#fail(this.#at >= this.#text.length ? `the file ends too early: is it complete?` : `${what} is expected`);
    this.#at++;
  }
  #fail(message: string): never {
    const before = this.#text.slice(0, this.#at);
    const line = before.split("\n").length;
    throw new UsageError(`${this.#name}, line ${line}, column ${this.#at - before.lastIndexOf("\n")}: ${message}`);
  }
}

/** y[3,1] */
const show = (name: string, path: readonly number[]): string => (path.length === 0 ? name : `${name}[${path.join(",")}]`);
/** The neighbour with which an entry is compared: the first at each level. */
const first = (path: readonly number[]): number[] => path.map(() => 1);
