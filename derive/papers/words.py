"""The words around the formulas, one table a language; formulas in them are LaTeX between dollars.

Every key stands in each table: a document in Chinese has no English in it but names, formulas and its author's title.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from derive.errors import BackproofError

_ENGLISH = {
    "intro": "The equations of the model come first, then what backpropagation asks of them: each result is the last "
    "line of its derivation, and every line names the rule that gives it. The rules are listed at the end.",
    "intro.results": "The equations of the model come first, then what backpropagation asks of them.",
    "model": "Model",
    "model.every": "At every step ${letter} = {first}, \\dots, {last}$:",
    "model.last": "At every step, the last one being ${letter}$:",
    "model.once": "The model is:",
    "symbols": "Here {list}.",
    "symbols.join": ", ",
    "symbols.in": "${names} \\in {space}$",
    "symbols.function": "${name}$ acts entry by entry",
    "symbols.known": "${name}$ is the function {kind}, entry by entry",
    "symbols.several": "${name}$ is a function of {arguments} with values in ${space}$",
    "loss.last": "The loss ${loss}$ depends directly on ${parts}$ at the last step only.",
    "loss.each": "The loss ${loss}$ depends directly on ${parts}$ at every step.",
    "loss.mixed": "The loss ${loss}$ depends directly on ${each}$ at every step and on ${last}$ at the last step.",
    "own": "Functions of the model:",
    "notation": "Notation and conventions",
    "names": "These names stand for derivatives:",
    "layout.numerator": "The derivative of a column $y$ by a column $x$ is the matrix with the entries "
    "$\\partial y_i / \\partial x_j$ in row $i$ and column $j$ (numerator layout).",
    "layout.denominator": "The derivative of a column $y$ by a column $x$ is the matrix with the entries "
    "$\\partial y_j / \\partial x_i$ in row $i$ and column $j$ (denominator layout).",
    "gradient": "The derivative of the loss by an array has the shape of that array.",
    "immediate": "$\\partial^{+}$ is the immediate derivative: what other steps have computed is held fixed.",
    "total": "A derivative by a parameter without this sign is total: every step that reads the parameter counts.",
    "vec.column": "$\\operatorname{vec}$ stacks the columns of a matrix.",
    "vec.row": "$\\operatorname{vec}$ chains the rows of a matrix into one column.",
    "kronecker": "$\\otimes$ is the Kronecker product.",
    "hadamard": "$\\odot$ is the product entry by entry.",
    "diag": "$\\operatorname{diag}\\left[v\\right]$ is the diagonal matrix with $v$ on its diagonal, $f'$ is the "
    "derivative of $f$ entry by entry.",
    "ones": "$\\mathbf{1}$ is the column of ones.",
    "product": "In a product over steps the factor of the highest step stands leftmost.",
    "family": "The derivative of a matrix by a matrix is the family of its derivatives by single entries.",
    "tangent": "A dot marks the tangent: the derivative in the direction in which the parameters change.",
    "hessian": "$\\mathcal{H}_X$ is the tangent of the gradient by $X$: the Hessian times that direction.",
    "jacobians": "Jacobians",
    "parameters": "Derivatives by parameters",
    "errors": "Backpropagated errors",
    "gradients": "Gradients of the loss",
    "tangents": "Tangents",
    "others": "Derivatives",
    "where": "For ${conditions}$:",
    "where.join": ",\\ ",
    "directive.vec.column": "With vec by columns:",
    "directive.vec.row": "With vec by rows:",
    "directive.matrix.block": "In block form:",
    "directive.matrix.family": "As a family:",
    "assuming": "Assuming ${assumptions}$:",
    "rules": "Rules",
    "rule": "R{number}",
    "by": "{name} (R{number})",
    "by.several": "by {numbers}",
    "by.join": ", ",
    "period": ". ",
    "engine.en": "Compile with pdflatex, lualatex or xelatex.",
    "engine.zh": "Compile with xelatex or lualatex.",
}

_CHINESE = {
    "intro": "先列出模型的方程，再列出反向传播所需的各个公式：每个结果即其推导的最后一行，"
    "每一行都注明所用的法则。所有法则列于文末。",
    "intro.results": "先列出模型的方程，再列出反向传播所需的各个公式。",
    "model": "模型",
    "model.every": "对每个时间步 ${letter} = {first}, \\dots, {last}$：",
    "model.last": "对每个时间步（最后一步为 ${letter}$）：",
    "model.once": "模型为：",
    "symbols": "其中 {list}。",
    "symbols.join": "，",
    "symbols.in": "${names} \\in {space}$",
    "symbols.function": "${name}$ 为逐元素函数",
    "symbols.known": "${name}$ 为逐元素的 {kind} 函数",
    "symbols.several": "${name}$ 为 {arguments} 的函数，取值于 ${space}$",
    "loss.last": "损失 ${loss}$ 仅直接依赖于最后一步的 ${parts}$。",
    "loss.each": "损失 ${loss}$ 直接依赖于每一步的 ${parts}$。",
    "loss.mixed": "损失 ${loss}$ 直接依赖于每一步的 ${each}$ 以及最后一步的 ${last}$。",
    "own": "模型所用的函数：",
    "notation": "记号与约定",
    "names": "下列名称表示导数：",
    "layout.numerator": "列向量 $y$ 对列向量 $x$ 的导数是第 $i$ 行第 $j$ 列元素为 $\\partial y_i / \\partial x_j$ "
    "的矩阵（分子布局）。",
    "layout.denominator": "列向量 $y$ 对列向量 $x$ 的导数是第 $i$ 行第 $j$ 列元素为 $\\partial y_j / \\partial x_i$ "
    "的矩阵（分母布局）。",
    "gradient": "损失对某个数组的导数与该数组形状相同。",
    "immediate": "$\\partial^{+}$ 表示直接导数：其他时间步的计算结果视为固定。",
    "total": "对参数的导数若无此记号则为全导数：用到该参数的每个时间步都计入。",
    "vec.column": "$\\operatorname{vec}$ 将矩阵的各列依次堆叠成一列。",
    "vec.row": "$\\operatorname{vec}$ 将矩阵的各行依次连接成一列。",
    "kronecker": "$\\otimes$ 表示 Kronecker 积。",
    "hadamard": "$\\odot$ 表示逐元素乘积。",
    "diag": "$\\operatorname{diag}\\left[v\\right]$ 是以 $v$ 为对角线的对角矩阵，$f'$ 是 $f$ 的逐元素导数。",
    "ones": "$\\mathbf{1}$ 是全 1 列向量。",
    "product": "在对时间步的连乘中，时间步最大的因子写在最左。",
    "family": "矩阵对矩阵的导数是它对各个元素的导数所成的族。",
    "tangent": "字母上的点表示切向量：沿参数变化方向的导数。",
    "hessian": "$\\mathcal{H}_X$ 是对 $X$ 的梯度的切向量，即 Hesse 矩阵与该方向之积。",
    "jacobians": "Jacobi 矩阵",
    "parameters": "对参数的导数",
    "errors": "反向传播的误差",
    "gradients": "损失的梯度",
    "tangents": "切向量",
    "others": "导数",
    "where": "当 ${conditions}$ 时：",
    "where.join": ",\\ ",
    "directive.vec.column": "按列取 vec：",
    "directive.vec.row": "按行取 vec：",
    "directive.matrix.block": "取分块形式：",
    "directive.matrix.family": "取族的形式：",
    "assuming": "假设 ${assumptions}$：",
    "rules": "法则",
    "rule": "R{number}",
    "by": "{name}（R{number}）",
    "by.several": "由 {numbers}",
    "by.join": "、",
    "period": "。",
    "engine.en": "请用 pdflatex、lualatex 或 xelatex 编译。",
    "engine.zh": "请用 xelatex 或 lualatex 编译。",
}

WORDS: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH, "zh": _CHINESE}

# Titles of the models, phrase by phrase; what stands in braces is a number or a cell's name.
_TITLES = {
    "recurrent network": "循环网络",
    "bidirectional recurrent network": "双向循环网络",
    "recurrent network over embedded symbols": "嵌入符号上的循环网络",
    "Jordan network": "Jordan 网络",
    "recurrence with layer normalisation": "带层归一化的循环网络",
    "residual recurrence": "残差循环网络",
    "stack of {} {} layers": "{} 层 {} 的堆叠",
    "fully connected network of {} layers": "{} 层全连接网络",
    "convolution with channels": "多通道卷积",
    "a recurrent layer above a feed-forward one": "前馈层之上的循环层",
    "sigmoids with binary cross-entropy": "sigmoid 与二元交叉熵",
    "softmax with cross-entropy": "softmax 与交叉熵",
    "squared error": "平方误差",
    "weighted by step": "按时间步加权",
    "over a batch": "整批样本",
    "the activation {}": "激活函数 {}",
    "loss on the last state": "损失取决于最后一个状态",
    "loss on every state": "损失取决于每个状态",
    "loss on the outputs": "损失取决于输出",
    "loss on the last output": "损失取决于最后一个输出",
    "loss on every output": "损失取决于每个输出",
}
_KINDS = {"identity": "恒等", "normal cdf": "正态分布", "normal density": "正态密度", "exp": "指数", "log": "对数"}
_KINDS |= {"reciprocal": "倒数", "sqrt": "平方根"}


def words(language: str) -> Mapping[str, str]:
    """The table of a language. Raises `BackproofError` for one that there is not."""
    if language not in WORDS:
        raise BackproofError(f"the words of a document are in {' or '.join(WORDS)}, not in {language!r}")
    return WORDS[language]


def filled(template: str, **values: object) -> str:
    """The template with {key} replaced for the keys that are given; other braces are LaTeX's own."""
    return re.sub(r"\{([a-z]+)\}", lambda match: str(values.get(match[1], match[0])), template)


def title_in(language: str, title: str) -> str:
    """A model's title in a language; a title that is not one of the models' stays as its author wrote it."""
    if language == "en":
        return title[:1].upper() + title[1:]
    parts = [_phrase(part) for part in title.split(", ")]
    return "，".join(str(part) for part in parts) if all(parts) else title


def kind_in(language: str, kind: str) -> str:
    """What a known elementwise function is called."""
    return _KINDS.get(kind, kind) if language == "zh" else kind


def _phrase(part: str) -> str | None:
    if part in ("GRU", "LSTM"):
        return part
    for phrase, chinese in _TITLES.items():
        pattern = re.escape(phrase).replace(r"\{\}", r"([\w ]+)")
        if match := re.fullmatch(pattern, part):
            return chinese.format(*(kind_in("zh", group) for group in match.groups()))
    return None
