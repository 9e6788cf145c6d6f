"""The formats of a worked example: terminal, Markdown, LaTeX, HTML, rows of plain values.

Each reads the document through its outline; what a page says is decided there, once.
"""
