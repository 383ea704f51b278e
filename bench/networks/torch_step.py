"""The training step of networks/program.mjs in PyTorch; prints its times as JSON."""
import json, math, statistics, sys, time
import torch

m = json.loads(sys.argv[1])
torch.manual_seed(1)
def layer(i, o):
    l = torch.nn.Linear(i, o)
    torch.nn.init.xavier_normal_(l.weight)
    torch.nn.init.zeros_(l.bias)
    return l
e1, e2 = layer(m["pixels"], m["hidden"]), layer(m["hidden"], m["hidden"])
mean, log_scale = layer(m["hidden"], m["latent"]), layer(m["hidden"], m["latent"])
d1, d2, d3 = layer(m["latent"], m["hidden"]), layer(m["hidden"], m["hidden"]), layer(m["hidden"], m["pixels"])
parameters = [p for l in (e1, e2, mean, log_scale, d1, d2, d3) for p in l.parameters()]
adam = torch.optim.Adam(parameters, lr=1e-3)
data = (torch.rand(m["rows"], m["pixels"]) < 0.13).float()
F = torch.nn.functional

def step():
    index = torch.randint(m["rows"], (m["batch"],))
    noise = torch.randn(m["batch"], m["latent"])
    x = data[index]
    h = torch.tanh(e2(torch.tanh(e1(x))))
    mu, ls = mean(h), log_scale(h)
    sd = torch.exp(ls)
    z = mu + sd * noise
    logits = d3(torch.tanh(d2(torch.tanh(d1(z)))))
    nll = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = 0.5 * (mu ** 2 + sd ** 2 - 2 * ls - 1).sum()
    loss = (nll + kl) / m["batch"]
    adam.zero_grad(set_to_none=True)
    loss.backward()
    adam.step()
    return loss.item()

first = step()
for _ in range(10): step()
times = []
cpu = time.process_time()
for _ in range(m["steps"]):
    t = time.perf_counter(); step(); times.append(1e3 * (time.perf_counter() - t))
cpu = 1e3 * (time.process_time() - cpu) / m["steps"]
print(json.dumps({"cpu": cpu, "ms": statistics.median(times), "least": min(times), "first": first, "last": step(),
                  "note": f"torch {torch.__version__}, {torch.get_num_threads()} threads"}))
