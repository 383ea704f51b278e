// Data of models/vae.ppl and models/dlgm.ppl: digits of a small font, moved, slanted, with pixels lost, on 8 x 8 grids. Drawn by one seeded
// stream, so that they are nobody's: node scripts/small-digits.mjs
import { writeFileSync } from "node:fs";

const FONT = [
  ["01110", "10001", "10001", "10001", "10001", "10001", "01110"],
  ["00100", "01100", "00100", "00100", "00100", "00100", "01110"],
  ["01110", "10001", "00001", "00110", "01000", "10000", "11111"],
  ["01110", "10001", "00001", "00110", "00001", "10001", "01110"],
  ["00010", "00110", "01010", "10010", "11111", "00010", "00010"],
  ["11111", "10000", "11110", "00001", "00001", "10001", "01110"],
  ["00110", "01000", "10000", "11110", "10001", "10001", "01110"],
  ["11111", "00001", "00010", "00100", "00100", "01000", "01000"],
  ["01110", "10001", "10001", "01110", "10001", "10001", "01110"],
  ["01110", "10001", "10001", "01111", "00001", "00010", "01100"],
];
const SIDE = 8;

/** Uniform on [0, 1): mulberry32. */
function stream(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Shares of ink, 0 to 1. */
function digit(uniform, k) {
  const [right, down] = [Math.floor(3 * uniform()) + 0.5 * uniform(), Math.floor(2 * uniform())];
  const slant = 0.3 * (uniform() - 0.3);
  const image = new Float64Array(SIDE * SIDE);
  for (let y = 0; y < 7; y++)
    for (let x = 0; x < 5; x++) {
      if (FONT[k][y][x] === "0") continue;
      const px = x + right + slant * (3 - y);
      const py = y + down;
      for (let j = 0; j < SIDE; j++)
        for (let i = 0; i < SIDE; i++)
          image[j * SIDE + i] += Math.max(0, 1 - Math.abs(px - i)) * Math.max(0, 1 - Math.abs(py - j));
    }
  return Array.from(image, (v) => Math.min(1, v));
}

function write(name, rows) {
  const text = rows.map((row) => `[${row.join(",")}]`).join(",\n");
  writeFileSync(new URL(`../models/${name}.data.json`, import.meta.url), `{ "x": [\n${text}\n] }\n`);
}

const binary = stream(1);
write(
  "vae",
  Array.from({ length: 300 }, (_, n) => digit(binary, n % 10).map((v) => (v > 0.3 + 0.4 * binary() ? 1 : 0))),
);
const grey = stream(2);
write(
  "dlgm",
  Array.from({ length: 120 }, (_, n) =>
    digit(grey, n % 10).map((v) => Math.round(10 * (v + 0.1 * (grey() + grey() + grey() - 1.5))) / 10 + 0),
  ),
);
