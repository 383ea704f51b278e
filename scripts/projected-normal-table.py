"""Log densities of the projected normal at the first unit vector, from mpmath: prints test/unit/projected-normal-table.json.

In d dimensions at mu = (t, 0.75, 0, …) it is (2 pi)^(-d/2) exp(-|mu|^2 / 2) I, I = integral of r^(d-1) exp(r t - r^2 / 2) over r > 0
= Gamma(d) exp(t^2 / 4) D_{-d}(-t), D the parabolic cylinder function. Columns: d, t, log density."""
import json
import mpmath as mp

mp.mp.dps = 60

def log_density(d, t):
    integral = mp.log(mp.gamma(d)) + t * t / 4 + mp.log(mp.pcfd(-d, -t))
    return -d * mp.log(2 * mp.pi) / 2 - (t * t + mp.mpf(0.75) ** 2) / 2 + integral

rows = [
    [d, t, float(log_density(d, mp.mpf(t)))]
    for d in (1, 2, 3, 4, 7, 20, 60)
    for t in (-1000, -50, -8.5, -3, -1.25, -0.75, -0.3, -0.01, 0, 0.01, 0.5, 3, 30, 1000)
]
print("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]")
