// Tagged templates: an embedded model is the model that its text says, and values never become code.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Embedded, embed, type Interpolation } from "../../src/dsl/embed.ts";
import { type Expression, eachChild, type Statement } from "../../src/dsl/language/ast.ts";
import { eachPart } from "../../src/dsl/language/depth.ts";
import { formatTree } from "../../src/dsl/language/format.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { showTree } from "../../src/dsl/language/show-tree.ts";
import { renderDiagnostics } from "../../src/dsl/render-diagnostic.ts";
import { programs, readProgram } from "../language/programs.ts";

const ppl = (strings: TemplateStringsArray, ...values: Interpolation[]): Embedded => embed(strings, values);
const part = (strings: TemplateStringsArray, ...values: Interpolation[]) => embed(strings, values).fragment;

function tree({ source, outcome }: Embedded): string {
  expect(renderDiagnostics(outcome.diagnostics, [source])).toBe("");
  const text = parseModel(source).value!;
  // The law: read as text alone it is the same model.
  expect(showTree(text)).toBe(showTree(outcome.value!));
  expect(formatTree(outcome.value!, source.text)).toBe(formatTree(text, source.text));
  return showTree(outcome.value!);
}

const problems = ({ source, outcome }: Embedded): string => {
  expect(outcome.value).toBeUndefined();
  return renderDiagnostics(outcome.diagnostics, [source]);
};

describe("values", () => {
  test("numbers", () => {
    expect(tree(ppl`mu ~ Normal(${0}, ${10.5})`)).toBe("(~ mu (call Normal 0 10.5))\n");
    expect(tree(ppl`let a = ${-2}^2 + ${-2} * 3 - ${-1e-7}`)).toBe("(let a (- (+ (^ (- 2) 2) (* (- 2) 3)) (- 1e-7)))\n");
    expect(tree(ppl`let a = [${Number.POSITIVE_INFINITY}, ${Number.NEGATIVE_INFINITY}, ${Number.NaN}, ${-0}, ${1e21}]`)).toBe(
      "(let a [inf (- inf) nan (- 0) 1e+21])\n",
    );
    expect(tree(ppl`x: real<${0}, ${true}>[${3}] ~ Flat()`)).toBe("(~ x real<0 true>[3] (call Flat))\n");
    expect(tree(ppl`for i in ${1}..${3} { x[i] ~ Flat() }`)).toContain("(i (.. 1 3))");
    const power = "(let a (^ (- 2) 2))\n";
    expect(
      tree(ppl`let a = (${-2}
      ^2)`),
    ).toBe(power);
    expect(tree(ppl`let a = ${-2} /* squared */ ^2`)).toBe(power);
    expect(tree(ppl`let a = ${-2}${part`^2`}`)).toBe(power);
  });
  test("arrays", () => {
    const typed = Float64Array.of(1, -2.5);
    expect(tree(ppl`let a = ${[[1, 2], [3, 4]]}[${1}] + ${typed} + ${[]}`)).toBe(
      "(let a (+ (+ (at [[1 2] [3 4]] 1) [1 (- 2.5)]) []))\n",
    );
  });
  test("elements stand where their texts are", () => {
    const { source, outcome } = ppl`let a = 2 * ${[[1, -2.5], [Number.NaN, true]]}`;
    const [s] = outcome.value!.statements;
    if (s.kind !== "let" || s.value.kind !== "binary") throw new Error("another tree");
    const texts: string[] = [];
    const visit = (e: Expression): void => {
      texts.push(source.text.slice(e.span.start, e.span.end));
      eachChild(e, visit);
    };
    visit(s.value.right);
    expect(texts).toEqual(["[[1, -2.5], [nan, true]]", "[1, -2.5]", "1", "-2.5", "2.5", "[nan, true]", "nan", "true"]);
    expect(source.text.slice(s.value.right.span.start)).toBe(texts[0]);
  });
  test("in comments and strings they are text", () => {
    expect(tree(ppl`import "${1}.ppl" // ${2}`)).toBe('(import "1.ppl")\n');
  });
  test("any number stays the number it is", () => {
    fc.assert(
      fc.property(fc.double(), (x) => {
        const { value } = ppl`let a = ${x}`.outcome;
        const [s] = value!.statements;
        const evaluate = (e: unknown): number => {
          const node = e as { kind: string; value?: number; operand?: unknown; name?: string };
          if (node.kind === "unary") return -evaluate(node.operand);
          if (node.kind === "name") return node.name === "inf" ? Number.POSITIVE_INFINITY : Number.NaN;
          return node.value!;
        };
        expect(s.kind === "let" && evaluate(s.value)).toBe(x);
      }),
      { seed: 1 },
    );
  });
});

describe("fragments", () => {
  test("an expression stays one operand", () => {
    const sum = part`a + b // the sum`;
    expect(tree(ppl`let c = ${sum} * 2`)).toBe("(let c (* (+ a b) 2))\n");
    const call = part`
      f(a) // ${2}, then
      /* no more */
    `;
    expect(tree(ppl`let c = ${call} * 2`)).toBe("(let c (* (call f a) 2))\n");
    expect(tree(ppl`x ~ noncentered ${part`Normal(0, ${-1}) // c`}`)).toBe("(~ x (noncentered (call Normal 0 (- 1))))\n");
    expect(tree(ppl`let c = 2 * ${part`${-2}^2 // c`}`)).toBe("(let c (* 2 (^ (- 2) 2)))\n");
    expect(tree(ppl`let${part` c `}= 2`)).toBe("(let c 2)\n");
    expect(tree(ppl`let c = ${part`x`}[1] + ${part`-${3}`}^2`)).toBe("(let c (+ (at x 1) (^ (- 3) 2)))\n");
  });
  test("names, distributions, statements", () => {
    expect(tree(ppl`let ${part`mu`} = 3`)).toBe("(let mu 3)\n");
    expect(tree(ppl`x ~ ${part`Normal(0, ${2})`}`)).toBe("(~ x (call Normal 0 2))\n");
    expect(tree(ppl`x ~ ${part`noncentered Normal(0, 1)`}`)).toBe("(~ x (noncentered (call Normal 0 1)))\n");
    const prior = part`
      mu ~ Normal(0, ${10})
      tau ~ HalfNormal(${1}) // scale`;
    expect(
      tree(ppl`${prior}
      y ~ Normal(mu, tau)`),
    ).toBe("(~ mu (call Normal 0 10))\n(~ tau (call HalfNormal 1))\n(~ y (call Normal mu tau))\n");
    expect(tree(ppl`for n in 1..3 { ${part`x[n] ~ Flat()`} }`)).toContain("(~ (at x n) (call Flat))");
  });
  test("expressions of every good program, as fragments, are the expressions that they were", () => {
    let count = 0;
    for (const name of programs("good")) {
      const text = readProgram("good", name).text.replace(/^\ufeff/, "");
      const file = parseModel({ name, text }).value!;
      const expected = showTree(file);
      const visit = (e: Expression): void => {
        // Every third keeps the test short; the next program goes on counting.
        if (count++ % 3 === 0) {
          const { start, end } = e.span;
          const [before, behind] = count % 2 === 0 ? ["", ""] : ["\n", " // c\n"];
          const inner = before + text.slice(start, end) + behind;
          const { fragment } = embed(Object.assign([inner], { raw: [inner] }), []);
          const outer = [text.slice(0, start), text.slice(end)];
          const { source, outcome } = embed(Object.assign(outer, { raw: outer }), [fragment]);
          expect(renderDiagnostics(outcome.diagnostics, [source])).toBe("");
          expect(showTree(outcome.value!)).toBe(expected);
          expect(showTree(parseModel(source).value!)).toBe(expected);
        }
        eachChild(e, visit);
      };
      const statement = (s: Statement): void => eachPart(s, visit, statement);
      file.statements.forEach(statement);
    }
    expect(count).toBeGreaterThan(1000);
  });
  test("every good program, as a fragment of itself", () => {
    for (const name of programs("good")) {
      const { text } = readProgram("good", name);
      const strings = Object.assign([text], { raw: [text] });
      const whole = embed(Object.assign(["", ""], { raw: ["", ""] }), [embed(strings, []).fragment]);
      expect(tree(whole)).toBe(showTree(parseModel({ name, text }).value!));
    }
  });
});

describe("what is refused", () => {
  // Programs in JavaScript are not held to the types.
  const any = (x: unknown) => x as Interpolation;
  test("texts and objects, with a sentence", () => {
    expect(problems(ppl`mu ~ ${any("Normal(0, 1)")}`)).toBe(
      `error[PPL130]: the text "Normal(0, 1)" cannot be interpolated
  embedded:1:6
1 | mu ~ "Normal(0, 1)"
  |      ^^^^^^^^^^^^^^
  = numbers, booleans, arrays of numbers and fragments can; names are written in the text`,
    );
    for (const x of [null, undefined, {}, () => 1, 10n, new Date(0), [1, "2"], [[1], [null]], new DataView(new ArrayBuffer(8))])
      expect(problems(ppl`let a = ${any(x)}`)).toContain("cannot be interpolated");
    expect(problems(ppl`let a = ${any([[1], [2, "x"]])}`)).toContain('the text "x", element [2][2], cannot');
  });
  test("parts of names", () => {
    expect(problems(ppl`let x${1} = 2`)).toContain("PPL131");
    expect(problems(ppl`let a = ${1}x`)).toContain("PPL131");
    expect(problems(ppl`let a${part`b`} = 2`)).toContain("PPL131");
  });
  test("what runs out of its fragment", () => {
    expect(problems(ppl`${part`a ~ Flat() /* never`} b ~ Flat()`)).toContain("PPL106");
    const deep: unknown[] = [];
    deep.push(deep);
    expect(problems(ppl`let a = ${any(deep)}`)).toContain("nested");
    expect(problems(ppl`let a = ${new Float64Array(60_000)}`)).toContain("belongs into the data");
  });
  test("a value where none can stand", () => {
    expect(problems(ppl`let ${1} = 2`)).toContain("expected a name, found the interpolated value");
  });
});
