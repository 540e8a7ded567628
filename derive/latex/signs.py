"""The signs of LaTeX formulas: what each command or character is to the tokenizer, as tables."""

from __future__ import annotations

FONTS = (
    "mathrm", "mathbf", "mathit", "mathsf", "mathtt", "boldsymbol", "bm", "bf", "pmb", "text", "textbf", "textrm",
    "textit", "mathcal", "mathscr", "mathbb", "mathfrak", "operatorname",
)  # fmt: skip
ACCENTS = (
    "hat", "tilde", "bar", "dot", "ddot", "overline", "underline", "widehat", "widetilde", "vec", "check", "breve",
)  # fmt: skip
CLASSES = ("\\mathop", "\\mathrel", "\\mathbin", "\\mathord", "\\mathopen", "\\mathclose", "\\mathinner")
SKIPPED = frozenset((
    "left", "right", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr", "big", "Big", "bigg", "Bigg",
    "middle", "quad", "qquad", ",", ";", ":", "!", " ", "/", "displaystyle", "textstyle", "scriptstyle", "limits",
    "nolimits", "nonumber", "notag", "thinspace", "enspace", "mathstrut", "strut", "ensuremath", "mathop", "mathrel",
    "mathbin", "mathord", "mathopen", "mathclose", "mathinner", "noindent", "allowbreak", "therefore", "because",
))  # fmt: skip
WITH_ARGUMENT = frozenset(["hspace", "vspace", "phantom", "vphantom", "hphantom", "color", "hspace*", "kern"])
LABELLED = frozenset(["underbrace", "overbrace", "boxed", "fbox", "underbracket", "overbracket", "cancel"])

RELATIONS = {
    "=": "=", "＝": "=", "<": "<", ">": ">", "\\le": "<=", "\\leq": "<=", "\\leqslant": "<=", "\\ge": ">=",
    "\\geq": ">=", "\\geqslant": ">=", "\\ne": "!=", "\\neq": "!=", "≤": "<=", "≥": ">=", "≠": "!=", "\\lt": "<",
    "\\gt": ">", "\\equiv": "=", ":=": "=", "\\triangleq": "=", "\\coloneqq": "=", "\\doteq": "=", "\\approx": "~",
    "\\propto": "~", "\\lesssim": "~", "\\gtrsim": "~", "\\simeq": "~", "\\sim": "~", "≈": "~", "\\in": "in",
    "∈": "in",
}  # fmt: skip
OPERATORS = {
    "\\odot": "hadamard", "\\circ": "hadamard", "⊙": "hadamard", "∘": "hadamard", "\\otimes": "kron", "⊗": "kron",
    "\\cdot": "matmul", "\\times": "matmul", "×": "matmul", "·": "matmul",
}  # fmt: skip
DECLARED_OPERATORS = ("matmul", "hadamard", "kron", "convolve", "correlate", "convolve full", "correlate full")

KNOWN_FUNCTIONS = {
    "tanh": "tanh", "exp": "exp", "ln": "log", "log": "log", "sqrt": "sqrt", "sigmoid": "sigmoid", "relu": "relu",
    "ReLU": "relu", "LeakyReLU": "leaky relu", "leakyrelu": "leaky relu", "softplus": "softplus",
    "Softplus": "softplus", "GELU": "gelu", "gelu": "gelu", "softmax": "softmax", "diag": "diag", "vec": "vec",
    "tr": "tr", "Tr": "tr", "trace": "tr",
    "kron": "kron", "sgn": "sgn", "sign": "sgn", "abs": "abs", "det": "det", "max": "max",
    "correlate": "convolution", "convolve": "convolution", "flip": "convolution", "rot180": "convolution",
}  # fmt: skip
# Words that are the function even where they stand as plain letters before a bracket.
PLAIN_FUNCTIONS = ("softmax", "sigmoid", "relu", "ReLU", "LeakyReLU", "softplus", "GELU", "diag", "vec", "trace", "Tr", "tr", "kron", "tanh", "exp", "log", "ln", "sgn", "sign", "det")  # fmt: skip  # noqa: E501

_UPDATE = "an update line is no equation; give the new value a name of its own"
ELLIPSIS = "an ellipsis says nothing exact; write the sum or product with its bounds"
ELLIPSES = ("\\cdots", "\\ldots", "\\dots", "\\vdots", "\\ddots", "\\dotsb", "\\dotsc", "\\dotsm", "…", "⋯", "...")
UNREADABLE = {
    "\\leftarrow": _UPDATE, "\\gets": _UPDATE, "+=": _UPDATE, "-=": _UPDATE, "←": _UPDATE,
    "\\mapsto": "a map is no equation",
    "\\int": "an integral is not read", "\\lim": "a limit is not read", "\\argmax": "an argmax is not read",
    "\\pm": "one sign says two things; write two equations", "\\mp": "one sign says two things; write two equations",
}  # fmt: skip
SEPARATORS = ("\\Rightarrow", "\\implies", "\\Longrightarrow", "\\iff", "\\Leftrightarrow", "⇒")
CONDITION_WORDS = (
    "for", "for all", "for each", "for every", "if", "when", "where", "with", "whenever", "as long as", "and", "on",
    "对", "对于", "当", "若", "如果", "其中", "且", "所有",
)  # fmt: skip
CLOSING_WORDS = ("holds", "hold", "时", "成立", "有", "则", ")", "）")
OTHERWISE_WORDS = ("otherwise", "if otherwise", "else", "其他", "其它", "否则")

SIMPLE = {
    "+": "PLUS", "＋": "PLUS", "-": "MINUS", "－": "MINUS", "−": "MINUS", "/": "SLASH", "(": "LPAR", ")": "RPAR",
    "（": "LPAR", "）": "RPAR", "[": "LBRACK", "]": "RBRACK", "{": "LB", "}": "RB", "\\{": "LSET", "\\}": "RSET",
    "\\lbrace": "LSET", "\\rbrace": "RSET", "\\lbrack": "LBRACK", "\\rbrack": "RBRACK", "\\lparen": "LPAR",
    "\\rparen": "RPAR", ",": "COMMA", "，": "COMMA", ";": "COMMA", "；": "COMMA", "、": "COMMA", ":": "COLON",
    "：": "COLON", "\\colon": "COLON", "\\frac": "FRAC", "\\dfrac": "FRAC", "\\tfrac": "FRAC", "\\cfrac": "FRAC",
    "\\partial": "PARTIAL", "∂": "PARTIAL", "\\nabla": "NABLA", "∇": "NABLA", "\\sum": "BIG", "\\prod": "BIG",
    "∑": "BIG", "∏": "BIG", "\\lVert": "LNORM", "\\rVert": "RNORM", "\\lvert": "LABS", "\\rvert": "RABS",
    "\\\\": "NEWLINE", "\\cr": "NEWLINE", "\\forall": "FORALL", "∀": "FORALL",
}  # fmt: skip
NORM_SIGNS = ("\\|", "\\Vert", "\\parallel", "‖")
ABS_SIGNS = ("|", "\\vert", "\\mid")
GRIDS = ("matrix", "bmatrix", "pmatrix", "Bmatrix", "smallmatrix", "cases", "dcases", "array", "vmatrix", "Vmatrix")
DISPLAYS = (
    "equation", "align", "gather", "multline", "alignat", "eqnarray", "flalign", "aligned", "alignedat", "split",
    "gathered", "displaymath", "math", "subequations",
)  # fmt: skip
DEPTH = {"LB": 1, "RB": -1, "LPAR": 1, "RPAR": -1, "LBRACK": 1, "RBRACK": -1, "LSET": 1, "RSET": -1}
