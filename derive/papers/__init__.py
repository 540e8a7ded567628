"""Papers: derivations as documents to be read and printed, in LaTeX, Typst and Markdown, in several languages."""
