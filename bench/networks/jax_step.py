"""The training step of networks/program.mjs in JAX, compiled; prints its times as JSON."""
import json, statistics, sys, time
import numpy as np
import jax, jax.numpy as jnp

m = json.loads(sys.argv[1])
rng = np.random.default_rng(1)
def weights(i, o): return jnp.asarray(rng.normal(0, np.sqrt(2 / (i + o)), (i, o)), jnp.float32), jnp.zeros(o)
P, H, Z = m["pixels"], m["hidden"], m["latent"]
params = [weights(*s) for s in ((P, H), (H, H), (H, Z), (H, Z), (Z, H), (H, H), (H, P))]
data = jnp.asarray(rng.random((m["rows"], P)) < 0.13, jnp.float32)

def loss(params, x, noise):
    e1, e2, mean, scale, d1, d2, d3 = params
    layer = lambda x, p: x @ p[0] + p[1]
    h = jnp.tanh(layer(jnp.tanh(layer(x, e1)), e2))
    mu, ls = layer(h, mean), layer(h, scale)
    sd = jnp.exp(ls)
    logits = layer(jnp.tanh(layer(jnp.tanh(layer(mu + sd * noise, d1)), d2)), d3)
    nll = jnp.sum(jax.nn.softplus(logits)) - jnp.sum(x * logits)
    return (nll + 0.5 * jnp.sum(mu ** 2 + sd ** 2 - 2 * ls - 1)) / m["batch"]

def update(state, data, index, noise):
    params, first, second, t = state
    value, g = jax.value_and_grad(loss)(params, data[index], noise)
    t = t + 1
    rate = 1e-3 * jnp.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
    first = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, first, g)
    second = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, second, g)
    params = jax.tree.map(lambda p, a, b: p - rate * a / (jnp.sqrt(b) + 1e-8), params, first, second)
    return value, (params, first, second, t)

zeros = lambda: jax.tree.map(jnp.zeros_like, params)
state = (params, zeros(), zeros(), jnp.float32(0))
compiled = jax.jit(update, donate_argnums=(0,))
def step():
    global state
    index = rng.integers(0, m["rows"], m["batch"], dtype=np.int32)
    noise = rng.standard_normal((m["batch"], Z), dtype=np.float32)
    value, state = compiled(state, data, index, noise)
    return float(value)

first = step()
for _ in range(10): step()
times = []
cpu = time.process_time()
for _ in range(m["steps"]):
    t = time.perf_counter(); step(); jax.block_until_ready(state); times.append(1e3 * (time.perf_counter() - t))
cpu = 1e3 * (time.process_time() - cpu) / m["steps"]
print(json.dumps({"cpu": cpu, "ms": statistics.median(times), "least": min(times), "first": first, "last": step(),
                  "note": f"jax {jax.__version__}, XLA on {jax.device_count()} CPU device, its own threads"}))
