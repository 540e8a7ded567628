"""A small document with a claim of each sort."""

from tests.documents import HEAD

NOTES = (
    HEAD
    + r"""$$\delta_{t-1}^\top = \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.3}$$
$$\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}} = W^\top \operatorname{diag} f'(s_{t-1}) \tag{J}$$
$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W = 2 W - W \tag{a}$$
<!-- backproof: expect: refuted -->
$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W^\top \tag{b}$$
$$\delta_{t-1}^\top = \delta_t^\top Q \tag{u}$$
$$\frac{\partial s_t}{\partial \mathrm{Net}_t} = \operatorname{diag}[f'(\mathrm{Net}_t)] \tag{D}$$
$$\frac{\partial E}{\partial U} = \sum_{k=1}^{t} \delta_k x_k^\top \tag{S}$$
"""
)
