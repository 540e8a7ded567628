"""The rules that steps name, as a paper says them: a name and a sentence in each language, the formula between.

A row is kept under the name of the function that applies the rule. The formulas are LaTeX of the commands that
`derive.papers.commands` knows, so that each form of a paper can set them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RuleWords:
    """What a rule is called, its formula, and what is said of it; formulas in a sentence stand between dollars."""

    formula: str
    en: str
    zh: str
    en_note: str = ""
    zh_note: str = ""

    def name(self, language: str) -> str:
        """What the rule is called."""
        return self.zh if language == "zh" else self.en

    def note(self, language: str) -> str:
        """What is said of the formula; may be empty."""
        return self.zh_note if language == "zh" else self.en_note


_DY = "\\frac{\\partial E}{\\partial Y}"
_DA = "\\frac{\\partial E}{\\partial A}"
_DB = "\\frac{\\partial E}{\\partial B}"
_DX = "\\frac{\\partial E}{\\partial X}"
_DK = "\\frac{\\partial E}{\\partial K}"
_SOFTMAX = "\\operatorname{diag}\\left[p\\right] - p p^\\top"

_DIFFERENTIALS = {
    "d_self": RuleWords("\\frac{\\partial x}{\\partial x} = I", "identity", "恒等"),
    "d_vec_self": RuleWords(
        "\\frac{\\partial \\operatorname{vec} X}{\\partial \\operatorname{vec} X} = I \\otimes I",
        "identity of vec",
        "vec 的恒等",
    ),
    "d_vec_reordered": RuleWords(
        "\\operatorname{vec} X^\\top = K \\operatorname{vec} X",
        "commutation of vec",
        "vec 的交换",
        "$K$ is the commutation matrix between the two orders of vec.",
        "$K$ 是两种 vec 排列之间的交换矩阵。",
    ),
    "d_block_self": RuleWords(
        "\\frac{\\partial X}{\\partial X} = \\operatorname{vec}(I) \\operatorname{vec}(I)^\\top",
        "block form",
        "分块形式",
        "The blocks are $\\frac{\\partial X}{\\partial x_{ij}}$, side by side.",
        "各块为 $\\frac{\\partial X}{\\partial x_{ij}}$，依次并排。",
    ),
    "d_constant": RuleWords(
        "\\frac{\\partial A}{\\partial x} = 0", "constant", "常量", "$A$ does not depend on $x$.", "$A$ 不依赖于 $x$。"
    ),
    "d_definition": RuleWords(
        "",
        "definition",
        "定义",
        "A quantity is replaced by the right side of the equation that defines it.",
        "用定义该量的方程的右端代替该量。",
    ),
    "d_sum": RuleWords(
        "d(A + B) = dA + dB",
        "sum rule",
        "和的微分",
        "The differential of what does not vary is 0.",
        "不变量的微分为 0。",
    ),
    "d_product": RuleWords(
        "d(A X B) = A\\, dX\\, B",
        "product rule",
        "乘积法则",
        "One such term for each factor that varies.",
        "每个变动的因子对应这样的一项。",
    ),
    "d_vec_product": RuleWords(
        "d \\operatorname{vec}(A X B) = \\left(B^\\top \\otimes A\\right) d \\operatorname{vec} X",
        "vec of a product",
        "乘积的 vec",
        "So for vec by columns; by rows the factor is $A \\otimes B^\\top$.",
        "此为按列的 vec；按行时因子为 $A \\otimes B^\\top$。",
    ),
    "d_transpose": RuleWords(
        "d(A^\\top) = (dA)^\\top,\\quad d \\operatorname{vec}(A^\\top) = K\\, d \\operatorname{vec} A",
        "transpose",
        "转置",
        "$K$ is the commutation matrix.",
        "$K$ 是交换矩阵。",
    ),
    "d_elementwise": RuleWords(
        "d f(v) = \\operatorname{diag}\\left[f'(v)\\right] dv", "elementwise function", "逐元素函数"
    ),
    "d_application": RuleWords(
        "d F(a, b) = \\partial_{1} F\\, da + \\partial_{2} F\\, db",
        "several arguments",
        "多元函数",
        "$\\partial_{k} F$ is the derivative by the $k$-th argument.",
        "$\\partial_{k} F$ 是对第 $k$ 个自变量的导数。",
    ),
    "d_hadamard": RuleWords(
        "d(A \\odot B) = dA \\odot B + A \\odot dB",
        "entrywise product",
        "逐元素乘积",
        "For columns it is $\\operatorname{diag}\\left[b\\right] da + \\operatorname{diag}\\left[a\\right] db$.",
        "对列向量即 $\\operatorname{diag}\\left[b\\right] da + \\operatorname{diag}\\left[a\\right] db$。",
    ),
    "d_hadamard_power": RuleWords("d A^{\\circ k} = k A^{\\circ (k-1)} \\odot dA", "entrywise power", "逐元素幂"),
    "d_softmax": RuleWords(
        f"d \\operatorname{{softmax}}(z) = \\left({_SOFTMAX}\\right) dz",
        "softmax",
        "softmax 求导",
        "Here $p = \\operatorname{softmax}(z)$.",
        "其中 $p = \\operatorname{softmax}(z)$。",
    ),
    "d_scale": RuleWords("d(c A) = c\\, dA + A\\, dc", "scalar factor", "标量因子"),
    "d_trace": RuleWords(
        "d \\operatorname{tr}(A) = \\operatorname{tr}(dA) = \\operatorname{vec}(I)^\\top d \\operatorname{vec} A",
        "trace",
        "迹",
    ),
    "d_time_sum": RuleWords("d \\sum_k A_k = \\sum_k dA_k", "sum over steps", "对时间步求和"),
}

_PULLBACKS = {
    "chain_rule": RuleWords(
        "\\frac{\\partial E}{\\partial m} = \\frac{\\partial^{+} E}{\\partial m} "
        "+ \\sum_y \\left(\\frac{\\partial y}{\\partial m}\\right)^\\top \\frac{\\partial E}{\\partial y}",
        "chain rule",
        "链式法则",
        "The sum is over every $y$ that reads $m$ directly.",
        "求和遍及所有直接用到 $m$ 的 $y$。",
    ),
    "sum_over_steps": RuleWords(
        "\\frac{\\partial E}{\\partial X} = \\sum_k \\left(\\frac{\\partial y_k}{\\partial X}\\right)^\\top "
        "\\frac{\\partial E}{\\partial y_k}",
        "shared parameter",
        "共享参数",
        "The sum is over the steps and the equations that read $X$.",
        "求和遍及用到 $X$ 的各时间步与各方程。",
    ),
    "pull_sum": RuleWords(f"Y = A + B:\\quad {_DA} = {_DB} = {_DY}", "back through a sum", "和的反向传播"),
    "pull_product": RuleWords(
        f"Y = A X B:\\quad {_DX} = A^\\top {_DY} B^\\top", "back through a product", "乘积的反向传播"
    ),
    "pull_transpose": RuleWords(
        f"Y = A^\\top:\\quad {_DA} = \\left({_DY}\\right)^\\top", "back through a transpose", "转置的反向传播"
    ),
    "pull_hadamard": RuleWords(
        f"Y = A \\odot B:\\quad {_DA} = B \\odot {_DY}", "back through an entrywise product", "逐元素乘积的反向传播"
    ),
    "pull_hadamard_power": RuleWords(
        f"Y = A^{{\\circ k}}:\\quad {_DA} = k A^{{\\circ (k-1)}} \\odot {_DY}",
        "back through a power",
        "幂的反向传播",
    ),
    "pull_elementwise": RuleWords(
        "y = f(v):\\quad \\frac{\\partial E}{\\partial v} = \\operatorname{diag}\\left[f'(v)\\right] "
        "\\frac{\\partial E}{\\partial y}",
        "back through a function",
        "函数的反向传播",
        f"For a matrix $Y = f(V)$ it is $f'(V) \\odot {_DY}$.",
        f"对矩阵 $Y = f(V)$ 即 $f'(V) \\odot {_DY}$。",
    ),
    "pull_softmax": RuleWords(
        "p = \\operatorname{softmax}(z):\\quad \\frac{\\partial E}{\\partial z} = "
        f"\\left({_SOFTMAX}\\right) \\frac{{\\partial E}}{{\\partial p}}",
        "back through softmax",
        "softmax 的反向传播",
    ),
    "pull_application": RuleWords(
        "y = F(a, b):\\quad \\frac{\\partial E}{\\partial a} = "
        "\\left(\\partial_{1} F\\right)^\\top \\frac{\\partial E}{\\partial y}",
        "back through several arguments",
        "多元函数的反向传播",
        "So by each argument; $\\partial_{k} F$ is the derivative by the $k$-th.",
        "对每个自变量皆然；$\\partial_{k} F$ 是对第 $k$ 个自变量的导数。",
    ),
    "pull_scale": RuleWords(
        f"Y = a X:\\quad {_DX} = a {_DY},\\quad \\frac{{\\partial E}}{{\\partial a}} = "
        f"\\operatorname{{tr}}\\left(X^\\top {_DY}\\right)",
        "back through a factor",
        "标量因子的反向传播",
    ),
    "pull_trace": RuleWords(
        f"y = \\operatorname{{tr}}(A):\\quad {_DA} = \\frac{{\\partial E}}{{\\partial y}} I",
        "back through a trace",
        "迹的反向传播",
    ),
    "pull_correlate": RuleWords(
        "Y = \\operatorname{correlate}(X, K):\\quad "
        f"{_DX} = \\operatorname{{convolve}}_{{\\mathrm{{full}}}}\\left({_DY}, K\\right),\\quad "
        f"{_DK} = \\operatorname{{correlate}}\\left(X, {_DY}\\right)",
        "back through a correlation",
        "互相关的反向传播",
    ),
    "pull_convolve": RuleWords(
        "Y = \\operatorname{convolve}(X, K):\\quad "
        f"{_DX} = \\operatorname{{correlate}}_{{\\mathrm{{full}}}}\\left({_DY}, K\\right),\\quad "
        f"{_DK} = \\operatorname{{rot180}}\\left(\\operatorname{{correlate}}\\left(X, {_DY}\\right)\\right)",
        "back through a convolution",
        "卷积的反向传播",
    ),
    "pull_correlate_full": RuleWords(
        "Y = \\operatorname{correlate}_{\\mathrm{full}}(X, K):\\quad "
        f"{_DX} = \\operatorname{{convolve}}\\left({_DY}, K\\right),\\quad "
        f"{_DK} = \\operatorname{{rot180}}\\left(\\operatorname{{correlate}}\\left({_DY}, X\\right)\\right)",
        "back through a full correlation",
        "完全互相关的反向传播",
    ),
    "pull_convolve_full": RuleWords(
        "Y = \\operatorname{convolve}_{\\mathrm{full}}(X, K):\\quad "
        f"{_DX} = \\operatorname{{correlate}}\\left({_DY}, K\\right),\\quad "
        f"{_DK} = \\operatorname{{correlate}}\\left({_DY}, X\\right)",
        "back through a full convolution",
        "完全卷积的反向传播",
    ),
    "pull_flip": RuleWords(
        f"Y = \\operatorname{{rot180}}(A):\\quad {_DA} = \\operatorname{{rot180}}\\left({_DY}\\right)",
        "back through a flip",
        "翻转的反向传播",
    ),
}

_TANGENTS = {
    "tangent_of_sum": RuleWords("(A + B)^{\\cdot} = \\dot{A} + \\dot{B}", "tangent of a sum", "和的切向量"),
    "tangent_of_product": RuleWords("(A B)^{\\cdot} = \\dot{A} B + A \\dot{B}", "tangent of a product", "乘积的切向量"),
    "tangent_of_hadamard": RuleWords(
        "(A \\odot B)^{\\cdot} = \\dot{A} \\odot B + A \\odot \\dot{B}",
        "tangent of an entrywise product",
        "逐元素乘积的切向量",
    ),
    "tangent_of_hadamard_power": RuleWords(
        "(A^{\\circ k})^{\\cdot} = k A^{\\circ (k-1)} \\odot \\dot{A}", "tangent of a power", "幂的切向量"
    ),
    "tangent_of_transpose": RuleWords("(A^\\top)^{\\cdot} = \\dot{A}^\\top", "tangent of a transpose", "转置的切向量"),
    "tangent_of_elementwise": RuleWords(
        "f(V)^{\\cdot} = f'(V) \\odot \\dot{V}", "tangent of a function", "函数的切向量"
    ),
    "tangent_of_softmax": RuleWords(
        f"\\operatorname{{softmax}}(z)^{{\\cdot}} = \\left({_SOFTMAX}\\right) \\dot{{z}}",
        "tangent of softmax",
        "softmax 的切向量",
        "Here $p = \\operatorname{softmax}(z)$.",
        "其中 $p = \\operatorname{softmax}(z)$。",
    ),
    "tangent_of_diag": RuleWords(
        "\\operatorname{diag}\\left[v\\right]^{\\cdot} = \\operatorname{diag}\\left[\\dot{v}\\right]",
        "tangent of diag",
        "diag 的切向量",
    ),
    "tangent_of_scale": RuleWords(
        "(c A)^{\\cdot} = \\dot{c} A + c \\dot{A}", "tangent of a multiple", "标量倍的切向量"
    ),
    "tangent_of_trace": RuleWords(
        "\\operatorname{tr}(A)^{\\cdot} = \\operatorname{tr}(\\dot{A})", "tangent of a trace", "迹的切向量"
    ),
    "tangent_of_time_sum": RuleWords(
        "\\left(\\sum_k A_k\\right)^{\\cdot} = \\sum_k \\dot{A}_k", "tangent of a sum over steps", "时间步之和的切向量"
    ),
}

_NAMES = {
    "name_gradient": RuleWords(
        "",
        "name of a gradient",
        "梯度的记号",
        "A gradient is written by its name, as the notation says.",
        "梯度用“记号与约定”中的名称表示。",
    ),
    "name_direct": RuleWords(
        "",
        "name of a direct gradient",
        "直接梯度的记号",
        "The direct derivative of the loss is written by its name.",
        "损失的直接导数用其名称表示。",
    ),
    "name_of_softmax": RuleWords(
        "",
        "name of a softmax",
        "softmax 的记号",
        "The value of a softmax is written by the name that the model gives it.",
        "softmax 的值用模型给出的名称表示。",
    ),
    "name_of_sigmoid": RuleWords(
        "",
        "name of a sigmoid",
        "sigmoid 的记号",
        "The value of a sigmoid is written by the name that the model gives it.",
        "sigmoid 的值用模型给出的名称表示。",
    ),
    "through_the_states": RuleWords(
        "\\frac{\\partial E}{\\partial \\operatorname{vec} X} = \\sum_k \\left(\\frac{\\partial s_k}"
        "{\\partial \\operatorname{vec} X}\\right)^\\top \\frac{\\partial^{+} E}{\\partial s_k}",
        "chain rule through the states",
        "经由状态的链式法则",
        "The sum is over the states and steps that the loss reads.",
        "求和遍及损失所用到的状态与时间步。",
    ),
    "product_over_steps": RuleWords(
        "\\frac{\\partial y_t}{\\partial y_k} = \\prod_{i=k}^{t-1} \\frac{\\partial y_{i+1}}{\\partial y_i}",
        "product over the steps",
        "逐步连乘",
        "The highest step stands leftmost; $y$ is the only state.",
        "时间步最大的因子在最左；$y$ 是唯一的状态。",
    ),
    "only_through_the_last": RuleWords(
        "\\delta_k^\\top = \\delta_t^\\top \\frac{\\partial y_t}{\\partial y_k}",
        "through the last step",
        "经由最后一步",
        "The loss reads the last step only.",
        "损失只用到最后一步。",
    ),
    "targets_sum_to_one": RuleWords(
        "\\mathbf{1}^\\top y = 1", "targets sum to 1", "目标之和为 1", "So it is assumed.", "此为假设。"
    ),
    "own_rule": RuleWords(
        "",
        "given derivative",
        "给定的导数",
        "The derivative is the one given with the function.",
        "导数随函数一并给出。",
    ),
}

_SIMPLIFICATIONS = {
    "zero_product": RuleWords("A\\, 0 = 0", "zero factor", "零因子"),
    "zero_sum": RuleWords("A + 0 = A", "zero term", "零项"),
    "diag_of_ones": RuleWords("\\operatorname{diag}\\left[\\mathbf{1}\\right] = I", "diag of ones", "全 1 的 diag"),
    "identity_factor": RuleWords("A I = I A = A", "identity factor", "单位矩阵因子"),
    "kronecker_identity_factor": RuleWords(
        "(I \\otimes I) A = A (I \\otimes I) = A", "Kronecker identity factor", "Kronecker 单位因子"
    ),
    "ones_hadamard": RuleWords("\\mathbf{1} \\odot A = A", "factor of ones", "全 1 因子"),
    "scalar_one": RuleWords("1 A = A", "factor 1", "因子 1"),
    "transpose_of_symmetric": RuleWords(
        "\\operatorname{diag}\\left[v\\right]^\\top = \\operatorname{diag}\\left[v\\right],\\quad I^\\top = I",
        "symmetry",
        "对称性",
    ),
    "transpose_of_ones": RuleWords(
        "\\left(\\mathbf{1} \\mathbf{1}^\\top\\right)^\\top = \\mathbf{1} \\mathbf{1}^\\top",
        "symmetry of ones",
        "全 1 矩阵的对称性",
    ),
    "transpose_of_product": RuleWords("(A B)^\\top = B^\\top A^\\top", "transpose of a product", "乘积的转置"),
    "transpose_of_sum": RuleWords("(A + B)^\\top = A^\\top + B^\\top", "transpose of a sum", "和的转置"),
    "transpose_of_kronecker": RuleWords(
        "(A \\otimes B)^\\top = A^\\top \\otimes B^\\top", "transpose of a Kronecker product", "Kronecker 积的转置"
    ),
    "transpose_of_time_sum": RuleWords(
        "\\left(\\sum_k A_k\\right)^\\top = \\sum_k A_k^\\top", "transpose of a sum over steps", "时间步之和的转置"
    ),
    "transpose_of_scaled": RuleWords("(c A)^\\top = c A^\\top", "transpose of a multiple", "标量倍的转置"),
    "vec_of_column": RuleWords("\\operatorname{vec} v = v", "vec of a column", "列向量的 vec"),
    "reciprocal_cancels": RuleWords(
        "\\operatorname{diag}\\left[p\\right] \\left(\\frac{1}{p} \\odot y\\right) = y,\\quad "
        "p^\\top \\left(\\frac{1}{p} \\odot y\\right) = \\mathbf{1}^\\top y",
        "cancelled reciprocal",
        "倒数相消",
    ),
    "diag_of_product": RuleWords(
        "\\operatorname{diag}\\left[u\\right] v = u \\odot v", "diag as a product", "diag 写成乘积"
    ),
    "distribute_cancelling": RuleWords(
        "(A + B) v = A v + B v",
        "distribution",
        "分配律",
        "Where $v$ holds a reciprocal that cancels.",
        "此处 $v$ 中的倒数将相消。",
    ),
    "collect_equal_terms": RuleWords("a A + b A = (a + b) A", "equal terms", "合并同类项"),
    "common_factor": RuleWords("A B + A C = A (B + C),\\quad B A + C A = (B + C) A", "common factor", "提取公因子"),
    "complements": RuleWords(
        "A \\odot (\\mathbf{1} - B) - (\\mathbf{1} - A) \\odot B = A - B", "complements", "互补项相消"
    ),
    "positive_first": RuleWords("-A + B = B - A", "order of terms", "调整项序"),
    "slope_of_sigmoid": RuleWords(
        "\\operatorname{diag}\\left[\\sigma'(z)\\right] \\left(\\frac{1}{o} \\odot u\\right) = "
        "(\\mathbf{1} - o) \\odot u,\\quad o = \\sigma(z)",
        "slope of the sigmoid",
        "sigmoid 的导数",
    ),
}

_ACTIVATIONS = {
    "tanh_prime": RuleWords("\\tanh' = 1 - \\tanh^2", "derivative of tanh", "tanh 的导数"),
    "sigmoid_prime": RuleWords(
        "\\sigma' = \\sigma \\odot (1 - \\sigma)", "derivative of the sigmoid", "sigmoid 的导数"
    ),
    "identity_prime": RuleWords("\\operatorname{id}' = 1", "derivative of the identity", "恒等函数的导数"),
    "exp_prime": RuleWords("\\exp' = \\exp", "derivative of exp", "指数函数的导数"),
    "log_prime": RuleWords("\\log'(z) = \\frac{1}{z}", "derivative of log", "对数的导数"),
    "reciprocal_prime": RuleWords(
        "\\left(\\frac{1}{z}\\right)' = -\\frac{1}{z^2}", "derivative of the reciprocal", "倒数的导数"
    ),
    "sqrt_prime": RuleWords(
        "\\left(\\sqrt{z}\\right)' = \\frac{1}{2 \\sqrt{z}}", "derivative of the root", "平方根的导数"
    ),
    "relu_prime": RuleWords(
        "", "derivative of relu", "relu 的导数", "It is the step function.", "即阶跃函数。"
    ),
    "leaky_relu_prime": RuleWords(
        "", "derivative of leaky relu", "leaky relu 的导数", "1 for $z > 0$, $\\frac{1}{100}$ for $z < 0$.",
        "$z > 0$ 时为 1，$z < 0$ 时为 $\\frac{1}{100}$。",
    ),
    "softplus_prime": RuleWords(
        "\\operatorname{softplus}' = \\sigma", "derivative of softplus", "softplus 的导数"
    ),
    "gelu_prime": RuleWords(
        "\\operatorname{gelu}'(z) = \\Phi(z) + z \\odot \\phi(z)", "derivative of gelu", "gelu 的导数"
    ),
    "normal_cdf_prime": RuleWords("\\Phi' = \\phi", "derivative of the normal distribution", "正态分布函数的导数"),
    "normal_density_prime": RuleWords(
        "\\phi'(z) = -z \\odot \\phi(z)", "derivative of the normal density", "正态密度的导数"
    ),
    "written_out": RuleWords(
        "\\exp' = \\exp,\\quad \\log'(z) = \\frac{1}{z},\\quad \\left(\\frac{1}{z}\\right)' = -\\frac{1}{z^2},\\quad "
        "\\left(\\sqrt{z}\\right)' = \\frac{1}{2 \\sqrt{z}}",
        "known derivatives",
        "已知函数的导数",
        "The derivative is written out where the function is known.",
        "函数已知时，其导数直接写出。",
    ),
}  # fmt: skip

RULES: dict[str, RuleWords] = {
    **_DIFFERENTIALS,
    **_PULLBACKS,
    **_TANGENTS,
    **_NAMES,
    **_SIMPLIFICATIONS,
    **_ACTIVATIONS,
}
