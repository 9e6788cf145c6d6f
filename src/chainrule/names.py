"""Names that the command line, problem files and help list without loading NumPy."""

# The formats of documents, each with the endings of its files.
DOCUMENT_FORMATS: dict[str, tuple[str, ...]] = {
    "text": (".txt",),
    "markdown": (".md",),
    "latex": (".tex",),
    "html": (".html", ".htm"),
    "json": (".json",),
}
PROGRAM_FORMATS: dict[str, tuple[str, ...]] = {"numpy": (".py",), "pytorch": ()}
