// Data in JSON as Stan reads it: one object of numbers and rectangular arrays; also bare NaN and Infinity, and null as missing.
import { UsageError } from "../../runtime/errors.ts";
import { Collector, ShapeFinder } from "./collector.ts";
import { readDecimal } from "./decimal.ts";
import { type DataSet, type DataValue, variableName } from "./value.ts";
import { numberWords } from "./words.ts";

const [TAB, NEWLINE, RETURN, SPACE, QUOTE, COMMA, OPEN, CLOSE, BYTE_ORDER_MARK] = [9, 10, 13, 32, 34, 44, 91, 93, 0xfeff];
const BACKSLASH = 92;
const TOO_EARLY = "the file ends too early: is it complete?";
const WORD = /[+-]?[A-Za-z]+/y;

/** `name`: of the file, for messages. Throws a UsageError with line and column, and the path of the entry. */
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
    if (this.#text.charCodeAt(0) === BYTE_ORDER_MARK) this.#at++;
    this.#blank();
    if (this.#at >= this.#text.length) this.#fail('the file is empty; data are one object: { "N": 10, "y": [ … ] }');
    this.#expect("{", 'data are one object, { "N": 10, "y": [ … ] }: {');
    this.#blank();
    while (this.#peek() !== "}") {
      if (out.size > 0) this.#expect(",", "a comma or }");
      this.#blank();
      const before = this.#at;
      const key = variableName(this.#string("a name in quotes"));
      if (out.has(key)) this.#fail(`${key} is there twice`, before);
      this.#blank();
      this.#expect(":", `a colon after ${JSON.stringify(key)}`);
      this.#blank();
      out.set(key, this.#variable(key));
      this.#blank();
    }
    this.#at++;
    this.#blank();
    if (this.#at < this.#text.length) this.#fail("there is more text after the object");
    return out;
  }

  #variable(name: string): DataValue {
    if (this.#peek() === "{") this.#fail(`${name} is an object; data are numbers and arrays of numbers`);
    const numbers = new Collector();
    const where = new ShapeFinder(name);
    if (this.#text.charCodeAt(this.#at) === OPEN) this.#array(where, numbers);
    else this.#number(where, numbers);
    return numbers.finish(where.shape);
  }

  /** Recursion is as deep as arrays may be nested. */
  #array(where: ShapeFinder, into: Collector): void {
    const begin = this.#at++;
    this.#refuse(where.enter(into.length), begin);
    this.#blank();
    let count = 0;
    const depth = where.path.length;
    while (this.#text.charCodeAt(this.#at) !== CLOSE) {
      if (count > 0) {
        if (this.#text.charCodeAt(this.#at) !== COMMA) this.#missing("a comma or ]", where);
        this.#at++;
        this.#blank();
      }
      where.path[depth] = ++count;
      if (this.#text.charCodeAt(this.#at) === OPEN) this.#array(where, into);
      else {
        this.#refuse(where.leaf(), this.#at);
        this.#number(where, into);
      }
      this.#blank();
    }
    this.#at++;
    where.path.length = depth;
    this.#refuse(where.leave(count), begin);
  }

  #number(where: ShapeFinder, into: Collector): void {
    const decimal = readDecimal(this.#text, this.#at);
    if (decimal) {
      this.#at = decimal.end;
      into.add(decimal.value, decimal.integer);
      return;
    }
    const before = this.#at;
    if (this.#text.charCodeAt(this.#at) === QUOTE) {
      const text = this.#string("a number");
      const value = numberWords.get(text.toLowerCase());
      if (text === "NA") into.addMissing();
      else if (value !== undefined) into.add(value, false);
      else this.#fail(`${where.entry()} is the text ${JSON.stringify(text)}; data are numbers`, before);
      return;
    }
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0];
    if (word === undefined) return this.#missing("a number", where);
    this.#at += word.length;
    const value = numberWords.get(word.toLowerCase());
    if (word === "null" || word === "NA") into.addMissing();
    else if (word === "true" || word === "false") into.add(word === "true" ? 1 : 0, true);
    else if (value !== undefined) into.add(value, false);
    else this.#fail(`${where.entry()} is ${word}; data are numbers`, before);
  }

  #string(what: string): string {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#notString(what);
    let end = this.#at + 1;
    let escaped = false;
    for (let c = this.#text.charCodeAt(end); c !== QUOTE; c = this.#text.charCodeAt(++end)) {
      if (end >= this.#text.length) this.#fail(TOO_EARLY);
      // Control characters are to be escaped.
      if (c < SPACE) this.#notString(what);
      if (c === BACKSLASH) {
        escaped = true;
        end++;
      }
    }
    const [content, literal] = [this.#text.slice(this.#at + 1, end), this.#text.slice(this.#at, end + 1)];
    if (!escaped) {
      this.#at = end + 1;
      return content;
    }
    try {
      const value = String(JSON.parse(literal));
      this.#at = end + 1;
      return value;
    } catch {
      return this.#notString(what);
    }
  }

  #notString(what: string): never {
    this.#fail(this.#ended() ? TOO_EARLY : `${what} is expected`);
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #ended(): boolean {
    return this.#text.slice(this.#at, this.#at + 1000).trim() === "" && this.#at + 1000 >= this.#text.length;
  }

  #blank(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== SPACE && c !== NEWLINE && c !== RETURN && c !== TAB) return;
      this.#at++;
    }
  }

  #expect(sign: string, what: string): void {
    if (this.#peek() !== sign) this.#fail(this.#ended() ? TOO_EARLY : `${what} is expected`);
    this.#at++;
  }

  #missing(what: string, where: ShapeFinder): never {
    this.#fail(
      this.#ended() ? `the file ends inside ${where.entry()}: is it complete?` : `${what} is expected at ${where.entry()}`,
    );
  }

  #refuse(problem: string | undefined, at: number): void {
    if (problem !== undefined) this.#fail(problem, at);
  }

  #fail(message: string, at = this.#at): never {
    const before = this.#text.slice(0, at);
    const line = before.split("\n").length;
    throw new UsageError(`${this.#name}, line ${line}, column ${at - before.lastIndexOf("\n")}: ${message}`);
  }
}
