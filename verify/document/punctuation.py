"""What a display holds beside its formulas: punctuation at the end, and words between two statements."""

from __future__ import annotations

import re

from derive.latex.tokenizer import MAX_LENGTH
from verify.document.passages import Passage

_PUNCTUATION = ".,;:。，；：、．"


def end_of_formula(text: str, end: int, first: int = 0) -> int:
    """The end of a formula, which begins at `first`, without the blanks, punctuation and row break that follow it."""
    while end > first:
        head = text[max(first, end - 12) : end]
        if _CONTROL_SPACE.search(head):
            end -= 2
        elif head[-1].isspace() or head[-1] in "&~":
            end -= 1
        elif quad := _QUAD.search(head):
            end -= len(quad.group())
        elif head.endswith("..."):  # an ellipsis leaves something out, and is no punctuation
            return end
        elif head[-1] in _PUNCTUATION + "!\\":
            slashes = len(head) - 1 - len(head[:-1].rstrip("\\"))
            is_command = slashes % 2 == 1  # \, and \\\\
            if not is_command and (head[-1] in "!\\" or _DELIMITER.search(head)):
                return end
            end -= 1 + is_command
        else:
            return end
    return end


_CONTROL_SPACE = re.compile(r"(?<!\\)\\ $")
_QUAD = re.compile(r"(?<!\\)\\q?quad$")
_DELIMITER = re.compile(r"(?:left|right|middle|[bB]igg?[lrm]?)\s*\.$")  # \right. ends with an invisible bracket


# Words between two statements of a display: those that join them, and those that begin a condition. No other prose is
# read: "unless" would turn a claim around.
_JOINING = frozenset({"and", "with", "where", "且", "和", "与", "以及", "并且", "其中"})
_CONDITIONAL = frozenset({"for", "if", "when", "for all", "当", "对", "若", "如果"})
_PROSE = re.compile(
    r"\\(?:text|textrm|mbox)\s*\{([^{}\\$]{1,30})\}(?![\s]*[\^_(\[])|[(\[{]|[)\]}]|\\(begin|end)|\\.", re.DOTALL
)


def with_connectives(passage: Passage) -> Passage:
    """With a comma in place of a joining word, and "for all" in place of one that begins a condition."""
    if ("\\text" not in passage.text and "\\mbox" not in passage.text) or len(passage.text) > MAX_LENGTH:
        return passage  # the parser refuses what is too long
    level, words = 0, []
    for match in _PROSE.finditer(passage.text):
        sign = match.group()
        level += 1 if sign in "([{" or match[2] == "begin" else -1 if sign in ")]}" or match[2] == "end" else 0
        if match[1] is not None and level == 0:
            words.append((match.start(), match.end(), " ".join(match[1].split()).lower()))
    for start, end, word in reversed(words):
        before = end_of_formula(passage.text, start)
        if word in _JOINING:
            passage = passage.blanked([(before, start)]).replaced(start, end, ", " if before else " ")
        elif word in _CONDITIONAL:
            passage = passage.blanked([(before, start)]).replaced(start, end, ", \\forall ")
    return passage
