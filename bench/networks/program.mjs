// One training step of a variational autoencoder as a program of the IR: the ELBO's gradient by the parameters, and Adam's update
// (Kingma & Ba 2015, algorithm 1). Parameters, moments, data and the count of steps are resident; noise and the minibatch's rows come in.
import { createBuilder } from "../../dist/runtime/ir/builder.js";
import { gradient } from "../../dist/runtime/ir/gradient.js";
import { simplify } from "../../dist/runtime/ir/simplify.js";

const real = (shape) => ({ shape, dtype: "real" });
const RATE = 1e-3;
const BETAS = [0.9, 0.999];
const SMALL = 1e-8;

/** Names and shapes of the parameters. */
export function parameterShapes({ pixels, hidden, latent }) {
  return {
    w1: [pixels, hidden],
    b1: [hidden],
    w2: [hidden, hidden],
    b2: [hidden],
    wm: [hidden, latent],
    bm: [latent],
    ws: [hidden, latent],
    bs: [latent],
    v1: [latent, hidden],
    c1: [hidden],
    v2: [hidden, hidden],
    c2: [hidden],
    v3: [hidden, pixels],
    c3: [pixels],
  };
}

export function trainingStep({ pixels, hidden, latent, batch, rows }) {
  const b = createBuilder();
  const shapes = parameterShapes({ pixels, hidden, latent });
  const p = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, b.input(name, real(shape))]));
  const data = b.input("data", real([rows, pixels]));
  const index = b.input("index", { shape: [batch], dtype: "int" });
  const noise = b.input("noise", real([batch, latent]));
  const layer = (x, w, c) => b.add(b.matmul(x, w), c);

  const x = b.gather(data, index);
  const h = b.tanh(layer(b.tanh(layer(x, p.w1, p.b1)), p.w2, p.b2));
  const mean = layer(h, p.wm, p.bm);
  const logScale = layer(h, p.ws, p.bs);
  const scale = b.exp(logScale);
  const z = b.add(mean, b.mul(scale, noise));
  const logits = layer(b.tanh(layer(b.tanh(layer(z, p.v1, p.c1)), p.v2, p.c2)), p.v3, p.c3);
  const likelihood = b.sub(b.sum(b.mul(x, logits)), b.sum(b.softplus(logits)));
  const kl = b.mul(
    b.constant(0.5),
    b.sum(b.sub(b.add(b.square(mean), b.square(scale)), b.add(b.mul(b.constant(2), logScale), b.constant(1)))),
  );
  const loss = b.div(b.sub(kl, likelihood), b.constant(batch));

  const names = Object.keys(shapes);
  const gradients = gradient(
    b,
    loss,
    names.map((name) => p[name]),
  );
  const count = b.input("count", real([]));
  const next = b.add(count, b.constant(1));
  const [c1, c2] = BETAS.map((beta) => b.sub(b.constant(1), b.exp(b.mul(next, b.constant(Math.log(beta))))));
  // Algorithm 1's last remark: the corrections of both moments in the step size.
  const rate = b.div(b.mul(b.constant(RATE), b.sqrt(c2)), c1);
  const updates = names.flatMap((name, i) => {
    const g = gradients[i];
    const [m, v] = ["m", "v"].map((moment) => b.input(`${moment}_${name}`, real(shapes[name])));
    const m1 = b.add(b.mul(b.constant(BETAS[0]), m), b.mul(b.constant(1 - BETAS[0]), g));
    const v1 = b.add(b.mul(b.constant(BETAS[1]), v), b.mul(b.constant(1 - BETAS[1]), b.square(g)));
    const w1 = b.sub(p[name], b.div(b.mul(rate, m1), b.add(b.sqrt(v1), b.constant(SMALL))));
    return [
      [p[name], w1],
      [m, m1],
      [v, v1],
    ];
  });
  return simplify(b, { inputs: [index, noise], residents: [data], outputs: [loss], updates: [...updates, [count, next]] });
}
