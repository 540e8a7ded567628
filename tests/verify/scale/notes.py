"""A small document with a claim of each sort."""

NOTES = r"""# notes

```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, f: elementwise, E: loss(last s)}
time: 1..t
layout: numerator
gradient: row
given: ['1', 'd']
```

$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
$$\delta_{t-1}^\top = \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.3}$$
$$\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}} = W^\top \operatorname{diag} f'(s_{t-1}) \tag{J}$$
$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W = 2 W - W \tag{a}$$
<!-- backproof: expect: refuted -->
$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W^\top \tag{b}$$
$$\delta_{t-1}^\top = \delta_t^\top Q \tag{u}$$
$$\frac{\partial s_t}{\partial \mathrm{Net}_t} = \operatorname{diag}[f'(\mathrm{Net}_t)] \tag{D}$$
$$\frac{\partial E}{\partial U} = \sum_{k=1}^{t} \delta_k x_k^\top \tag{S}$$
"""
